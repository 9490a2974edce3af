// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "a tmpfs that only a namespace below sees", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a",
    .nested = "tmpfs a; file a/f text; open a/f; ghost a/g ghost",
    .check = "no a/f",
    .nested_check = "is a/f text; held 0 text; held 1 ghost",
    .spoil = "file a/f no",
};

int main(void) {
  return mounts_case(&plan);
}
