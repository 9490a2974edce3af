// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "what is mounted below a shared mount shows on all of its peers", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; mkdir c; tmpfs a; mkdir a/in; shared a; bind a b; bind a/in c; "
        "tmpfs a/in; file a/in/f text",
    .check = "is b/in/f text; is c/f text; mkdir a/in/deep; tmpfs b/in/deep; file a/in/deep/f deep; "
        "is b/in/deep/f deep",
    .spoil = "umount a/in",
};

int main(void) {
  return mounts_case(&plan);
}
