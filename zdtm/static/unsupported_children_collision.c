// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "two mounts of one peer group, each with another mount upon the same place of it: what no call but the one that lets a mount into a group brings about", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; tmpfs a; private a; mkdir a/x; mkdir a/y; bind a b; tmpfs a/x; file a/x/f left; tmpfs b/x; file b/x/f right; "
            "shared a; peer a b",
    .check = "is a/x/f left; is b/x/f right; tmpfs b/y; file b/y/g both; is a/y/g both; umount b/x; no b/x/f",
    .spoil = "private a",
};

int main(void) {
  return mounts_case(&plan);
}
