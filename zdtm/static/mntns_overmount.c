// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "sysfs and a slave of it, below a tmpfs at the same place", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mount sysfs a; shared a; bind a a; slave a; tmpfs a; file a/f text",
    .check = "is a/f text; umount a; yes a/kernel; umount a; yes a/kernel",
    .spoil = "umount a",
};

int main(void) {
  return mounts_case(&plan);
}
