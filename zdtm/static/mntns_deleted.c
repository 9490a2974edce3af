// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "binds of a directory that was removed", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; mkdir a/in; bind a/in b; rmdir a/in",
    .check = "no a/in; yes b",
    .spoil = "umount b; is b/no no",
};

int main(void) {
  return mounts_case(&plan);
}
