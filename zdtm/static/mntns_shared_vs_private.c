// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "a private mount in a shared one does not become shared", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; tmpfs a; mkdir a/in; shared a; tmpfs a/in; private a/in; mkdir a/in/x",
    .nested = "yes a/in/x",
    .check = "tmpfs a/in/x; file a/in/x/f text; is a/in/x/f text",
    .nested_check = "no a/in/x/f",
    .spoil = "umount a/in",
};

int main(void) {
  return mounts_case(&plan);
}
