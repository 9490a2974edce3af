// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "files that were deleted on a tmpfs which is read-only by now, and on a read-only bind of it", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; tmpfs a; bind a b; file a/g one; gone a/g; file a/h two; read b/h; rm a/h; ro a; "
        "ro b",
    .check = "held 0 one; held 1 two; refuses a; refuses b",
    .spoil = "umount b; rmdir b; is b/no no",
};

int main(void) {
  return mounts_case(&plan);
}
