// zdtm: {"category": "mounts", "flavours": ["h"], "verifies": "of a tmpfs outside that is given by name there are two mounts again: of its root, and of a directory of it further down", "needs": ["net"], "dumpOpts": ["--external", "mnt[/mnt]:GIVEN"], "restoreOpts": ["--external", "mnt[GIVEN]:/media"], "spoils": true}
#include "outside.h"

int main(void) {
  tst_begin();
  mounts_run("tmpfs /media; mkdir /media/sub; file /media/sub/f text; mkdir deep; mkdir deep/er");
  outside_later("/media/word", "file /media/sub/h here; file /media/done x");
  outside_leave("", "bind /media /mnt; bind /mnt/sub deep/er; umount /media");
  tst_ready();
  TST_SPOIL mounts_run("umount deep/er");
  mounts_run("is /mnt/sub/f text; same /mnt/sub deep/er; file deep/er/g more; is /mnt/sub/g more; file /mnt/word x");
  tst_until(!access("/mnt/done", F_OK), "nobody out there hears");
  mounts_run("is deep/er/h here");
  return tst_pass();
}
