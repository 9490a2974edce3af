// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a file and a FIFO on a mount that is covered by now are open still", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; tmpfs a; file a/f text; fifo a/p; open a/f; open a/p; tmpfs a",
    .check = "held 0 text; no a/f; umount a; same a/f a/f; is a/f text; yes a/p",
    .spoil = "rmdir a",
};

int main(void) {
  return mounts_case(&plan);
}
