// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a namespace whose /proc has nothing mounted upon, and no /dev/pts", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; bind a /dev/pts; umount /dev/pts",
    .check = "yes /proc/self",
    .spoil = "is /proc/no no",
};

int main(void) {
  return mounts_case(&plan);
}
