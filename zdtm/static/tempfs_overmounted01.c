// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "what is hidden below binds of its own is saved", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; tmpfs a; mkdir a/x; mkdir a/y; file a/x/f x; file a/y/f y; bind a/y a/x; "
        "bind a/x a",
    .check = "is a/f y; umount a; is a/x/f y; umount a/x; is a/x/f x",
    .spoil = "umount a",
};

int main(void) {
  return mounts_case(&plan);
}
