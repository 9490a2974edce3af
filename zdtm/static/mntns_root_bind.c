// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "what is mounted shows on a bind of the directory in a namespace below", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; tmpfs a; mkdir a/in; shared a",
    .nested = "bind a b; yes b/in",
    .check = "tmpfs a/in; file a/in/f text; is a/in/f text",
    .nested_check = "is b/in/f text",
    .spoil = "umount a",
};

int main(void) {
  return mounts_case(&plan);
}
