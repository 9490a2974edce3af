// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "an overlay of directories of a tmpfs of the tree's own is mounted again, with what was changed and removed in it, and open files of it", "needs": ["root"], "spoils": true}
#include "overlays.h"

int main(void) {
  tst_begin();
  mounts_run("tmpfs /mnt; mkdir /mnt/over");
  overlays_make("/mnt/over");
  tst_ready();
  TST_SPOIL mounts_run("rm /mnt/over/all/more");
  overlays_check("/mnt/over", 0);
  return tst_pass();
}
