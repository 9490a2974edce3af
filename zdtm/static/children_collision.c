// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "mounts that share, with other mounts upon one place of each, keep them in their order", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; tmpfs a; mkdir a/x; shared a; tmpfs a/x; file a/x/f lower; bind a b; tmpfs b/x; file b/x/f upper",
    .nested = "umount b/x; tmpfs a/x; file a/x/g own",
    .check = "is a/x/g own; umount a/x; is a/x/f lower; no b/x/f; no b/x/g",
    .spoil = "umount a/x; umount a/x",
    .nested_check = "no b/x/g; no a/x/g; is a/x/f lower",
};

int main(void) {
  return mounts_case(&plan);
}
