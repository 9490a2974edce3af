// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "tmpfs upon tmpfs, at the same place and above it", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; tmpfs a; mkdir a/b; file a/f 1; tmpfs a/b; file a/b/f 2; tmpfs a/b; "
        "file a/b/f 3; tmpfs a; file a/f 4",
    .check = "is a/f 4; no a/b; umount a; is a/f 1; is a/b/f 3; umount a/b; is a/b/f 2; umount a/b; "
        "no a/b/f; umount a; no a/f",
    .spoil = "umount a",
};

int main(void) {
  return mounts_case(&plan);
}
