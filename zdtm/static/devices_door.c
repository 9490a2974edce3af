// zdtm: {"category": "devices", "needs": ["root"], "verifies": "devices that keep nothing for who has them open come back by their paths, with flags and places, as many as the machine has"}
#include "tst.h"

static const char *const paths[] = {"/dev/loop-control", "/dev/mapper/control", "/dev/kvm", "/dev/btrfs-control",
                                    "/dev/autofs", "/dev/hwrng", "/dev/vsock", "/dev/userfaultfd", "/dev/cpu/0/cpuid",
                                    "/dev/cpu/0/msr", "/dev/vcs1", "/dev/kmsg"};
enum { COUNT = sizeof(paths) / sizeof(paths[0]) };

int main(void) {
  tst_begin();
  int fds[COUNT], have = 0;
  for (int i = 0; i < COUNT; i++) {
    fds[i] = open(paths[i], strcmp(paths[i], "/dev/kmsg") == 0 ? O_WRONLY : O_RDONLY | O_NONBLOCK);
    have += fds[i] >= 0;
  }
  if (have == 0) tst_skip("this machine has none of them");
  int screen = fds[10];
  if (screen >= 0) tst_sys(lseek(screen, 40, SEEK_SET));
  tst_ready();
  TST_SPOIL for (int i = 0; i < COUNT; i++) if (fds[i] >= 0) tst_sys(dup2(0, fds[i]));
  for (int i = 0; i < COUNT; i++) {
    if (fds[i] < 0) continue;
    struct stat open, named;
    tst_sys(fstat(fds[i], &open));
    tst_sys(stat(paths[i], &named));
    tst_check(open.st_rdev == named.st_rdev && open.st_ino == named.st_ino, "%s is another device", paths[i]);
  }
  if (screen >= 0) tst_check(lseek(screen, 0, SEEK_CUR) == 40, "the place on the screen is %ld", lseek(screen, 0, SEEK_CUR));
  return tst_pass();
}
