// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "private mounts below both members of a shared group stay private", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; tmpfs a; mkdir a/in; shared a; bind a b; tmpfs a/in; private a/in; "
        "private b/in; mkdir a/in/x; tmpfs a/in/x; file a/in/x/f text",
    .check = "is a/in/x/f text; no b/in/x/f; tmpfs b/in; file b/in/f other; no a/in/f",
    .spoil = "umount a/in/x",
};

int main(void) {
  return mounts_case(&plan);
}
