// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a bind over its own parent, which is shared", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; tmpfs a; mkdir a/b; file a/b/f text; shared a; bind a/b a",
    .check = "is a/f text; umount a; is a/b/f text",
    .spoil = "umount a",
};

int main(void) {
  return mounts_case(&plan);
}
