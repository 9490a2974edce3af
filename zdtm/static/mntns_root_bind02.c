// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "the same with a bind in the parent as well", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; mkdir c; tmpfs a; mkdir a/in; shared a; bind a c",
    .nested = "bind a/in b",
    .check = "tmpfs c/in; file c/in/f text; is a/in/f text",
    .nested_check = "is a/in/f text; is b/f text",
    .spoil = "umount a",
};

int main(void) {
  return mounts_case(&plan);
}
