// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "members of one group that hold different mounts", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; tmpfs a; mkdir a/one; mkdir a/two; shared a; tmpfs a/one; "
        "file a/one/f 1; private a; bind a b; shared a; tmpfs b/two; file b/two/f 2",
    .check = "is a/one/f 1; no b/one/f; is b/two/f 2; no a/two/f",
    .spoil = "umount a/one",
};

int main(void) {
  return mounts_case(&plan);
}
