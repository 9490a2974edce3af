// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a FIFO in a directory that is covered by a mount is open still", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; fifo a/p; open a/p; tmpfs a",
    .check = "no a/p; umount a; yes a/p",
    .spoil = "umount a; rm a/p",
};

int main(void) {
  return mounts_case(&plan);
}
