// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a mount that was moved upon another", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; tmpfs a; file a/f 1; tmpfs b; file b/f 2; private b; move a b",
    .check = "is b/f 1; no a/f; umount b; is b/f 2",
    .spoil = "umount b",
};

int main(void) {
  return mounts_case(&plan);
}
