// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "a mount that shows other owners than its file system has is told of: it would show all files as they are", "needs": ["root"], "refused": "a mount shows other owners than its file system has \\(idmapped\\).*/t/shown"}
#include "tst.h"

#include <linux/mount.h>
#include <sys/mount.h>

static int elsewhere(void *unused) {
  (void)unused;
  tst_sys(unshare(CLONE_NEWUSER));
  tst_sleep();
}

int main(void) {
  char path[64];
  tst_begin();
  tst_sys(mkdir("t", 0755));
  tst_sys(mount("zdtm", "t", "tmpfs", 0, NULL));
  tst_sys(mkdir("t/real", 0755));
  tst_sys(mkdir("t/shown", 0755));
  pid_t pid = tst_child(elsewhere, NULL);
  static const char *const maps[] = {"uid_map", "gid_map"};
  struct stat own, its;
  tst_sys(stat("/proc/self/ns/user", &own));
  snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
  tst_until(!stat(path, &its) && its.st_ino != own.st_ino, "the child does not leave");
  int users = tst_sys(open(path, O_RDONLY | O_CLOEXEC));
  for (size_t i = 0; i < 2; i++) {
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, maps[i]);
    int fd = tst_sys(open(path, O_WRONLY));
    tst_sys(write(fd, "0 5000 10", 9));
    close(fd);
  }
  int fd = tst_sys((int)syscall(428 /* open_tree */, AT_FDCWD, "t/real", 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC));
  struct mount_attr attr = {.attr_set = 0x100000 /* MOUNT_ATTR_IDMAP */, .userns_fd = (uint64_t)users};
  if (syscall(442 /* mount_setattr */, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr))) tst_skip("no such mounts here");
  tst_sys((int)syscall(429 /* move_mount */, fd, "", AT_FDCWD, "t/shown", 4 /* MOVE_MOUNT_F_EMPTY_PATH */));
  close(fd);
  close(users);
  tst_sys(kill(pid, SIGKILL));
  tst_sys(waitpid(pid, NULL, 0));
  tst_ready();
  struct stat stat_;
  tst_check(!stat("t/shown", &stat_) && stat_.st_uid == 5000, "it is of %d", stat_.st_uid);
  return tst_pass();
}
