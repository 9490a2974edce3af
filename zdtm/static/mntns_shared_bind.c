// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "a bind of a part in another namespace is a peer still: what is unmounted here is gone there", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; tmpfs a; mkdir a/in; mkdir a/in/x; shared a; tmpfs a/in/x; file a/in/x/f text",
    .nested = "umount a/in/x; no a/in/x/f; tmpfs a/in/x; file a/in/x/g more",
    .check = "umount a/in/x; no a/in/x/f",
    .nested_check = "no a/in/x/g",
    .spoil = "umount a/in/x",
};

int main(void) {
  return mounts_case(&plan);
}
