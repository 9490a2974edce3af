// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "private, shared and slave mounts of directories of one file system", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; tmpfs a; mkdir a/x; mkdir a/x/y; mkdir b; mkdir c; mkdir d; mkdir e; shared a; "
        "bind a/x b; bind a/x/y c; slave b; shared b; bind b d; slave d; bind a/x e; private e",
    .check = "tmpfs a/x/y; file a/x/y/f text; is b/y/f text; is d/y/f text; no e/y/f; is c/f text",
    .spoil = "umount b",
};

int main(void) {
  return mounts_case(&plan);
}
