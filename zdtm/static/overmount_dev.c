// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "a device in a directory that is covered by a mount is open still", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; null a/n; open a/n; tmpfs a",
    .check = "no a/n; umount a; yes a/n",
    .spoil = "umount a; rm a/n",
};

int main(void) {
  return mounts_case(&plan);
}
