// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "an overlay of directories of the root is mounted again, with what was changed and removed in it, and open files of it", "needs": ["root"], "except": {"files": "the kernel clears the work directory when it is mounted"}, "spoils": true}
#include "overlays.h"

int main(void) {
  tst_begin();
  mounts_run("mkdir over");
  overlays_make("over");
  tst_ready();
  TST_SPOIL mounts_run("rm over/all/more");
  overlays_check("over", 0);
  return tst_pass();
}
