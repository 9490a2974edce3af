// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "an unbindable mount, with a bind of a part of it that is older", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; mkdir c; tmpfs a; mkdir a/in; file a/in/f text; bind a/in b; "
        "unbindable a",
    .check = "is b/f text; same a/in b",
    .spoil = "umount b",
};

int main(void) {
  return mounts_case(&plan);
}
