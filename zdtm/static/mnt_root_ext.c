// zdtm: {"category": "mounts", "flavours": ["h"], "verifies": "a directory of the very file system that the tree's root is of, given from outside, is a slave again of the mount out there", "needs": ["net"], "opts": ["--enable-external-masters"], "dumpOpts": ["--external", "mnt[/mnt]:GIVEN"], "restoreOpts": ["--external", "mnt[GIVEN]:/media"], "spoils": true}
#include "outside.h"

int main(void) {
  tst_begin();
  mounts_run("mkdir given; mkdir given/sub; mkdir given/own; bind given /media; shared /media");
  outside_later("given/word", "tmpfs /media/sub; file /media/sub/f text; file given/done x");
  outside_leave("bind /media /mnt", "slave /mnt; umount /media");
  tst_ready();
  TST_SPOIL mounts_run("private /mnt");
  mounts_run("same given /mnt; tmpfs /mnt/own; file /mnt/own/f own; no /media/own/f; file /mnt/word x");
  tst_until(!access("given/done", F_OK), "nobody out there hears");
  mounts_run("is /mnt/sub/f text; is /mnt/own/f own");
  return tst_pass();
}
