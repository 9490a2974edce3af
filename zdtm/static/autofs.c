// zdtm: {"category": "mounts", "notIn": {"uns": "only root of the first user namespace mounts one"}, "verifies": "autofs mounts of all kinds ask their daemon in the tree again, for what somebody looks for and for what nobody uses any more, and what it has mounted is there", "needs": ["net"]}
#include "mounts.h"

#include <linux/auto_fs.h>
#include <linux/limits.h>
#include <poll.h>
#include <sys/ioctl.h>

enum { INDIRECT, DIRECT, OFFSET, COUNT };
static const char *const kinds[COUNT] = {"indirect", "direct", "offset"};
static char places[COUNT][PATH_MAX];
static int requests[COUNT], roots[COUNT];
static tst_step *asked;

/* Mounts a tmpfs for what somebody looks for, and takes it away again. */
static bool answer(int kind, const struct autofs_v5_packet *packet) {
  char path[PATH_MAX + NAME_MAX + 2];
  snprintf(path, sizeof(path), kind == INDIRECT ? "%.4000s/%.*s" : "%.4000s", places[kind], (int)packet->len, packet->name);
  switch (packet->hdr.type) {
    case autofs_ptype_missing_indirect:
      if (mkdir(path, 0755) && errno != EEXIST) return false;
      /* fall through */
    case autofs_ptype_missing_direct:
      return !mount("zdtm", path, "tmpfs", 0, NULL);
    case autofs_ptype_expire_indirect:
      return (!umount2(path, UMOUNT_NOFOLLOW) || errno == EINVAL) && !remove(path);
    case autofs_ptype_expire_direct:
      return !umount(path);
    default:
      return false;
  }
}

static void serve(void) {
  for (;;) {
    struct pollfd polled[COUNT];
    for (int i = 0; i < COUNT; i++) polled[i] = (struct pollfd){requests[i], POLLIN, 0};
    if (poll(polled, COUNT, -1) < 0) tst_die("poll");
    for (int i = 0; i < COUNT; i++) {
      struct autofs_v5_packet packet;
      if (polled[i].revents == 0) continue;
      if (read(requests[i], &packet, sizeof(packet)) != sizeof(packet)) tst_fail("nobody asks at %s", places[i]);
      tst_raise(asked);
      tst_sys(ioctl(roots[i], answer(i, &packet) ? AUTOFS_IOC_READY : AUTOFS_IOC_FAIL, packet.wait_queue_token));
    }
  }
}

static void mounts_by(int kind, int end) {
  char options[128];
  unsigned long timeout = 77 + (unsigned long)kind;
  snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,%s", end, getpid(), kinds[kind]);
  if (mount("zdtm", places[kind], "autofs", 0, options)) tst_skip("no autofs can be mounted: %s", strerror(errno));
  roots[kind] = tst_sys(open(places[kind], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  tst_sys(ioctl(roots[kind], AUTOFS_IOC_SETTIMEOUT, &timeout));
  close(end);
}

/* What is to be taken away when nobody has used it for a while; now. */
static bool expires(int root) {
  int how = 1 /* AUTOFS_EXP_IMMEDIATE */;
  return !ioctl(root, AUTOFS_IOC_EXPIRE_MULTI, &how);
}

static bool times(int kind) {
  char line[4096], wanted[32];
  bool found = false;
  FILE *table = fopen("/proc/self/mountinfo", "r");
  snprintf(wanted, sizeof(wanted), "timeout=%d", 77 + kind);
  while (fgets(line, sizeof(line), table))
    if (strstr(line, "autofs") && strstr(line, wanted) && strstr(line, kinds[kind])) found = true;
  fclose(table);
  return found;
}

int main(void) {
  int ends[COUNT][2];
  char here[PATH_MAX];
  tst_begin();
  tst_sys(unshare(CLONE_NEWNS));
  tst_check(getcwd(here, sizeof(here)), "no directory");
  /* requests of its own group, which is the daemon's, are not sent to it */
  tst_step *step = tst_new_step();
  asked = tst_new_step();
  mounts_run("mkdir indirect; mkdir direct; mkdir offset");
  for (int i = 0; i < COUNT; i++) {
    snprintf(places[i], sizeof(places[i]), "%.4000s/%s", here, kinds[i]);
    tst_sys(pipe2(ends[i], O_DIRECT | O_CLOEXEC));
    requests[i] = ends[i][0];
  }
  pid_t pid = tst_sys(fork());
  if (pid == 0) {
    tst_sys(setpgid(0, 0));
    for (int i = 0; i < COUNT; i++) mounts_by(i, ends[i][1]);
    /* found before anybody looks for it, and a name for it */
    tst_sys(mkdir("indirect/known", 0711));
    tst_sys(symlink("known", "indirect/name"));
    tst_set(step, 1);
    serve();
  }
  for (int i = 0; i < COUNT; i++) close(ends[i][0]), close(ends[i][1]);
  tst_await(step, 1);
  mounts_run("file indirect/one/f text; open indirect/one/f; file direct/f text; no direct/g");
  tst_check(asked->value == 2, "%u questions", asked->value);
  int used = tst_sys(open("direct", O_RDONLY | O_DIRECTORY));
  tst_ready();
  TST_SPOIL tst_sys(ioctl(tst_sys(open("indirect", O_RDONLY | O_DIRECTORY)), AUTOFS_IOC_CATATONIC));
  mounts_run("held 0 text; is indirect/one/f text; is direct/f text; no direct/g");
  tst_check(asked->value == 2, "%u questions", asked->value);
  mounts_run("file indirect/two/f new; is indirect/two/f new; file indirect/name/f by; is indirect/known/f by; file offset/f new; is offset/f new");
  tst_check(asked->value == 5, "%u questions", asked->value);
  int root = tst_sys(open("indirect", O_RDONLY | O_DIRECTORY));
  tst_check(expires(root), "nothing expires: %s", strerror(errno));
  close(mounts_held[0]);
  while (expires(root));
  tst_check(errno == EAGAIN, "it expires otherwise: %s", strerror(errno));
  tst_check(asked->value == 9, "%u questions", asked->value);
  mounts_run("yes indirect/one/.; no indirect/one/f; is direct/f text");
  for (int i = 0; i < COUNT; i++) tst_check(times(i), "%s waits for another while", kinds[i]);
  close(used);
  tst_end(pid);
  return tst_pass();
}
