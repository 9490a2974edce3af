// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "binds of different directories in groups that share and are slaves", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; mkdir c; tmpfs a; mkdir a/in; mkdir a/in/x; mkdir a/out; shared a; "
        "bind a/in b; bind a/out c; slave c; shared c",
    .nested = "slave b",
    .check = "tmpfs b/x; file b/x/f text; is a/in/x/f text",
    .nested_check = "is b/x/f text; is a/in/x/f text",
    .spoil = "umount b",
};

int main(void) {
  return mounts_case(&plan);
}
