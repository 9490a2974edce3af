// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "a file whose last name is gone, open twice on mounts that only a namespace below sees", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b",
    .nested = "tmpfs a; bind a b; file a/f text; read a/f; read b/f; rm a/f",
    .check = "yes a",
    .nested_check = "held 0 text; held 1 text; no b/f",
    .spoil = "rmdir a",
};

int main(void) {
  return mounts_case(&plan);
}
