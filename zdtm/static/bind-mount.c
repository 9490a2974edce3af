// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a bind shows the directory that it showed", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; file a/f text; bind a b",
    .check = "same a/f b/f; is b/f text; file b/g more; is a/g more",
    .spoil = "umount b",
};

int main(void) {
  return mounts_case(&plan);
}
