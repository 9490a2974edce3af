// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a file in a directory that is covered by a mount is open still", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; file a/f text; open a/f; tmpfs a",
    .check = "held 0 text; no a/f; umount a; is a/f text",
    .spoil = "rmdir a",
};

int main(void) {
  return mounts_case(&plan);
}
