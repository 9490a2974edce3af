// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "a bind of a part of a shared tmpfs in another namespace", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; tmpfs a; mkdir a/in; mkdir a/in/x; shared a",
    .nested = "bind a/in b; yes b/x",
    .check = "tmpfs a/in/x; file a/in/x/f text; is a/in/x/f text",
    .nested_check = "is b/x/f text",
    .spoil = "umount a",
};

int main(void) {
  return mounts_case(&plan);
}
