// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a file system of a kind that is not known is mounted again when its name is given (--enable-fs)", "needs": ["root"], "opts": ["--enable-fs", "ramfs"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mount ramfs a",
    .check = "file a/f text; is a/f text",
    .spoil = "umount a; rmdir a",
};

int main(void) {
  return mounts_case(&plan);
}
