// zdtm: {"category": "mntns", "needs": ["net"], "cc": ["-pthread"], "except": {"fd 3 file": "it lies in a file system that is made anew, with another number"}, "verifies": "threads with a root, working directory and umask of their own, and with mounts of their own, have them again"}
#include "tst.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

static tst_step *step, *there, *done;
static char home[4096];
static ino_t inode[3];
static int held = -1;

static ino_t lives(void) {
  struct stat is;
  tst_sys(stat("/proc/thread-self/ns/mnt", &is));
  return is.st_ino;
}

static void must_be_at(const char *path, mode_t mask) {
  char at[4096];
  tst_check(getcwd(at, sizeof(at)) && !strcmp(at, path), "it is at %s, not at %s", at, path);
  mode_t was = umask(mask);
  tst_check(was == mask, "its umask is %o", was);
}

static bool has(const char *path) { return !access(path, F_OK); }

/* It has a root and a working directory that the others do not see. */
static void *elsewhere(void *unused) {
  tst_sys(unshare(CLONE_FS));
  tst_sys(chroot("jail"));
  tst_sys(chdir("/inside"));
  umask(077);
  tst_raise(there);
  tst_await(step, 1);
  must_be_at("/inside", 077);
  tst_check(has("/inside") && !has("/proc"), "its root is another one");
  tst_raise(done);
  return unused;
}

/* It has a tmpfs where the others have an empty directory. */
static void *mounted(void *unused) {
  tst_sys(unshare(CLONE_NEWNS));
  tst_sys(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  tst_sys(mount("thread", "place", "tmpfs", 0, "mode=755"));
  tst_sys(chdir("place"));
  held = tst_sys(open("kept", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  tst_sys(write(held, "held", 4));
  inode[1] = lives();
  tst_raise(there);
  tst_await(step, 2);
  inode[1] = lives();
  char text[8] = "", *at;
  tst_sys(asprintf(&at, "%s/place", home));
  TST_SPOIL tst_sys(chdir("/")); /* where the other is its verdict could not be written */
  must_be_at(at, 022);
  int fd = tst_sys(open("kept", O_RDONLY | O_CLOEXEC));
  tst_check(read(fd, text, 4) == 4 && !memcmp(text, "held", 4), "its file holds %s", text);
  tst_check(pread(held, text, 4, 0) == 4 && !memcmp(text, "held", 4), "an open file of its mounts holds %s", text);
  close(fd);
  tst_raise(done);
  return unused;
}

int main(void) {
  pthread_t id[2];
  tst_begin();
  step = tst_new_step(), there = tst_new_step(), done = tst_new_step();
  umask(022);
  tst_check(getcwd(home, sizeof(home)), "no working directory");
  tst_sys(mkdir("jail", 0755));
  tst_sys(mkdir("jail/inside", 0755));
  tst_sys(mkdir("place", 0755));
  tst_pthread(pthread_create(&id[0], NULL, elsewhere, NULL));
  tst_await(there, 1);
  tst_pthread(pthread_create(&id[1], NULL, mounted, NULL));
  tst_await(there, 2);
  tst_ready();
  for (int i = 0; i < 2; i++) {
    tst_set(step, i + 1);
    tst_await(done, i + 1);
  }
  must_be_at(home, 022);
  tst_check(lives() != inode[1], "the mounts of a thread are its process's");
  tst_check(has("place") && !has("place/kept"), "a mount of a thread is seen by its process");
  return tst_pass();
}
