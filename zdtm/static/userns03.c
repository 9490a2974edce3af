// zdtm: {"category": "ns", "verifies": "mounts that a user namespace got from outside cannot be taken away there, what it mounted itself can", "needs": ["net"]}
#include "userns.h"

#include <sys/mount.h>

static tst_step *left, *mapped, *ready, *go;

static void look(void) {
  tst_check(umount2("a/b", MNT_DETACH) && errno == EINVAL, "what came from outside can be taken away");
  tst_check(umount2("a", MNT_DETACH) && errno == EINVAL, "what came from outside can be taken away with what is on it");
  tst_check(mount("none", "r", NULL, MS_REMOUNT | MS_BIND, NULL) && errno == EPERM, "what came read-only can be written");
  tst_check(!access("a/b/shown", F_OK) && access("a/b/hidden", F_OK), "what was covered is seen");
}

static int inner(void *argument) {
  (void)argument;
  userns_leave(CLONE_NEWNS, left, mapped, 1);
  tst_sys(mount("none", "a/c", "tmpfs", 0, ""));
  close(tst_sys(open("a/c/own", O_RDWR | O_CREAT, 0600)));
  look();
  tst_raise(ready);
  tst_await(go, 1);
  TST_SPOIL tst_sys(umount2("a/c", MNT_DETACH));
  look();
  tst_check(!access("a/c/own", F_OK), "its own mount is not there");
  tst_sys(umount2("a/c", MNT_DETACH));
  return 0;
}

static int outer(void *argument) {
  tst_sys(unshare(CLONE_NEWNS));
  tst_sys(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
  tst_sys(mount("none", "a", "tmpfs", 0, "mode=777"));
  tst_sys(mkdir("a/b", 0777));
  tst_sys(mkdir("a/c", 0777));
  close(tst_sys(open("a/b/hidden", O_RDWR | O_CREAT, 0666)));
  tst_sys(mount("none", "a/b", "tmpfs", 0, "mode=777"));
  close(tst_sys(open("a/b/shown", O_RDWR | O_CREAT, 0666)));
  tst_sys(mount("none", "r", "tmpfs", MS_RDONLY, "mode=777"));
  pid_t pid = tst_child(inner, argument);
  tst_await(left, 1);
  userns_map(pid, "0 1000 10\n", "0 2000 10\n");
  tst_set(mapped, 1);
  return tst_reap(pid);
}

int main(void) {
  tst_begin();
  left = tst_new_step(), mapped = tst_new_step(), ready = tst_new_step(), go = tst_new_step();
  tst_sys(mkdir("a", 0777));
  tst_sys(mkdir("r", 0777));
  pid_t pid = tst_child(outer, NULL);
  tst_await(ready, 1);
  tst_ready();
  tst_set(go, 1);
  tst_check(tst_reap(pid) == 0, "a child failed");
  return tst_pass();
}
