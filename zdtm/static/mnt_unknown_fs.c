// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a file system that is neither the root's nor the kernel's own is refused", "needs": ["root"], "refused": "its file system is neither the root's nor one of the kernel's own", "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mount ramfs a; file a/f text",
    .check = "is a/f text",
    .spoil = "umount a",
};

int main(void) {
  return mounts_case(&plan);
}
