// zdtm: {"category": "mounts", "flavours": ["h"], "verifies": "the file system of a disk is mounted again, from the device that is given (--external dev)", "needs": ["net", "file:/usr/sbin/mkfs.ext4"], "dumpOpts": ["--external", "dev[7/7]:disk"], "restoreOpts": ["--external", "dev[disk]:/dev/loop7"], "spoils": true}
#include "outside.h"

int main(void) {
  tst_begin();
  /* the device is free again when the harness's mount namespace ends */
  const char *make = "truncate -s 2M image && mkfs.ext4 -q image && mkdir held && mount -o loop=/dev/loop7 image held";
  if (system(make)) tst_skip("cannot do %s", make);
  outside_leave("mkdir disk", "umount held");
  if (mount("/dev/loop7", "disk", "ext4", MS_NOATIME, NULL)) tst_die("cannot mount the disk");
  mounts_run("file disk/f text");
  tst_ready();
  TST_SPOIL mounts_run("umount disk");
  mounts_run("is disk/f text; file disk/g more; takes disk");
  return tst_pass();
}
