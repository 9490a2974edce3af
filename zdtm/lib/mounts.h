/*
 * Mounts as short scripts: what is mounted where, what a child in a mount namespace of its own adds, and what has to hold
 * afterwards. That every process sees the mounts that it saw, with their groups, the harness compares from outside; here it is
 * tried what they do. Commands end with ; and paths begin in the case's directory.
 *
 *   to make:   mkdir P   file P TEXT   tmpfs P OPTIONS   mount TYPE P   bind A B   rbind A B   move A B   umount P
 *              private P   shared P   slave P   unbindable P   ro P (the mount)   rosb P (the file system)
 *              peer A B (B enters the group of A)   rmdir P   rm P   link A B   pivot P (needs P/old, which is left there)   cd P
 *   to hold:   open P   fifo P   null P (the device)   ghost P (opened, written, deleted)   gone P (opened, deleted)
 *   to check:  is P TEXT   no P   yes P   refuses P (no file can be made there)   takes P   same A B   held N TEXT
 */
#ifndef MOUNTS_H
#define MOUNTS_H
#include "tst.h"

#include <sys/mount.h>

typedef struct {
  const char *make, *nested, *check, *nested_check, *spoil;
} mounts_plan;

static int mounts_held[16], mounts_count;

static bool mounts_text(int fd, const char *text) {
  char have[64] = "";
  tst_sys(pread(fd, have, sizeof(have) - 1, 0));
  return !strcmp(have, text);
}

static bool mounts_is(const char *path, const char *text) {
  int fd = open(path, O_RDONLY);
  bool is = fd >= 0 && mounts_text(fd, text);
  if (fd >= 0) close(fd);
  return is;
}

static int mounts_write(const char *path, const char *text, int flags) {
  int fd = tst_sys(open(path, O_CREAT | O_RDWR | flags, 0644));
  tst_sys(write(fd, text, strlen(text)));
  return fd;
}

/* Can a file be made in this directory? */
static int mounts_try(const char *path) {
  char name[PATH_MAX];
  snprintf(name, sizeof(name), "%s/trial", path);
  int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (fd < 0) return errno;
  close(fd);
  tst_sys(unlink(name));
  return 0;
}

static void mounts_do(const char *line, char *word, char *a, char *b) {
  static const struct {
    const char *word;
    unsigned long flags;
  } kinds[] = {{"private", MS_PRIVATE}, {"shared", MS_SHARED}, {"slave", MS_SLAVE}, {"unbindable", MS_UNBINDABLE}};
  struct stat x, y;
  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
    if (!strcmp(word, kinds[i].word)) {
      if (mount("none", a, NULL, kinds[i].flags, NULL)) tst_die("%s", line);
      return;
    }
#define WORD(name) if (!strcmp(word, name))
#define CALL(name, call) \
  WORD(name) {           \
    if (call) tst_die("%s", line); \
    return;              \
  }
  CALL("mkdir", mkdir(a, 0755))
  CALL("cd", chdir(a))
  CALL("rmdir", rmdir(a))
  CALL("rm", unlink(a))
  CALL("link", link(a, b))
  CALL("tmpfs", mount("zdtm", a, "tmpfs", 0, b))
  CALL("mount", mount("zdtm", b, a, 0, NULL))
  CALL("bind", mount(a, b, NULL, MS_BIND, NULL))
  CALL("rbind", mount(a, b, NULL, MS_BIND | MS_REC, NULL))
  CALL("move", mount(a, b, NULL, MS_MOVE, NULL))
  CALL("umount", umount2(a, 0))
  CALL("peer", syscall(429 /* move_mount */, AT_FDCWD, a, AT_FDCWD, b, 0x100 /* MOVE_MOUNT_SET_GROUP */))
  CALL("ro", mount(NULL, a, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL))
  CALL("rosb", mount(NULL, a, NULL, MS_REMOUNT | MS_RDONLY, NULL))
  CALL("fifo", mkfifo(a, 0600))
  CALL("null", mknod(a, S_IFCHR | 0666, 0x103))
  CALL("pivot", chdir(a) || syscall(SYS_pivot_root, ".", "old") || chdir("/"))
  CALL("file", close(mounts_write(a, b, 0)))
  WORD("open") {
    mounts_held[mounts_count++] = tst_sys(open(a, O_RDWR | O_NONBLOCK));
    return;
  }
  WORD("read") {
    mounts_held[mounts_count++] = tst_sys(open(a, O_RDONLY));
    return;
  }
  WORD("ghost") {
    mounts_held[mounts_count++] = mounts_write(a, b, O_EXCL);
    tst_sys(unlink(a));
    return;
  }
  WORD("gone") {
    mounts_held[mounts_count++] = tst_sys(open(a, O_RDONLY));
    tst_sys(unlink(a));
    return;
  }
#define CHECK(name, condition) \
  WORD(name) {                 \
    tst_check(condition, "%s", line); \
    return;                    \
  }
  CHECK("is", mounts_is(a, b))
  CHECK("no", access(a, F_OK) && errno == ENOENT)
  CHECK("yes", !access(a, F_OK))
  CHECK("refuses", mounts_try(a) == EROFS)
  CHECK("takes", mounts_try(a) == 0)
  CHECK("same", !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino)
  CHECK("held", mounts_text(mounts_held[atoi(a)], b))
  tst_fail("no such command: %s", line);
}

static void mounts_run(const char *script) {
  while (script && *script) {
    char line[256] = "", word[16] = "", a[128] = "", b[128] = "";
    size_t length = strcspn(script, ";");
    if (length >= sizeof(line)) tst_fail("a long line");
    memcpy(line, script, length);
    if (sscanf(line, " %15s %127s %127s", word, a, b) >= 1) mounts_do(line, word, a, b);
    script += length + (script[length] == ';');
  }
}

static const mounts_plan *mounts_now;
static tst_step *mounts_step;

static int mounts_child(void *unused) {
  (void)unused;
  tst_sys(unshare(CLONE_NEWNS));
  mounts_run(mounts_now->nested);
  tst_set(mounts_step, 1);
  tst_await(mounts_step, 2);
  TST_SPOIL tst_fail("spoiled");
  mounts_run(mounts_now->nested_check);
  tst_set(mounts_step, 3);
  tst_sleep();
}

/* A whole case. */
static int mounts_case(const mounts_plan *plan) {
  pid_t pid = 0;
  tst_begin();
  mounts_now = plan;
  mounts_step = tst_new_step();
  mounts_run(plan->make);
  if (plan->nested) {
    pid = tst_child(mounts_child, NULL);
    tst_until(mounts_step->value == 1 || tst_state(pid) == 'Z', "the child does not come");
    tst_check(mounts_step->value == 1, "the child failed, see the output");
  }
  tst_ready();
  TST_SPOIL mounts_run(plan->spoil);
  mounts_run(plan->check);
  if (pid) {
    tst_set(mounts_step, 2);
    tst_until(mounts_step->value == 3 || tst_state(pid) == 'Z', "the child does not answer");
    tst_check(mounts_step->value == 3, "the child failed, see the output");
  }
  return tst_pass();
}
#endif
