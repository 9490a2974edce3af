// zdtm: {"category": "mounts", "flavours": ["h"], "verifies": "a FUSE file system whose program is outside of the tree is mounted again from there, and a file of it is open", "needs": ["net", "file:/dev/fuse"], "dumpOpts": ["--external", "mnt[/mnt]:GIVEN"], "restoreOpts": ["--external", "mnt[GIVEN]:/media"], "spoils": true}
#include "fuse.h"

int main(void) {
  tst_begin();
  int fd = fuse_mount("/media");
  pid_t parent = tst_sys(fork());
  if (parent == 0) {
    if (tst_sys(fork())) _exit(0);
    tst_sys(setsid());
    fuse_serve(fd);
  }
  tst_reap(parent);
  close(fd);
  outside_leave("", "bind /media /mnt; umount /media; read /mnt/f");
  tst_ready();
  TST_SPOIL mounts_run("umount /mnt");
  mounts_run("is /mnt/f text; held 0 text; no /mnt/g");
  return tst_pass();
}
