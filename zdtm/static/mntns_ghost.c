// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "deleted files in two namespaces, each on a mount of its own at the same path", "needs": ["root"], "opts": ["--link-remap"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; tmpfs a; ghost a/g outer",
    .nested = "umount a; tmpfs a; ghost a/g inner",
    .check = "held 0 outer; no a/g",
    .nested_check = "held 0 outer; held 1 inner; no a/g",
    .spoil = "file a/g no",
};

int main(void) {
  return mounts_case(&plan);
}
