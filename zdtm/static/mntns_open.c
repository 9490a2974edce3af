// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "the same path is another file in the parent and in a namespace below it", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; file a/f outer; open a/f",
    .nested = "tmpfs a; file a/f inner; open a/f; cd a",
    .check = "is a/f outer; held 0 outer",
    .nested_check = "is f inner; held 1 inner; held 0 outer",
    .spoil = "rm a/f",
};

int main(void) {
  return mounts_case(&plan);
}
