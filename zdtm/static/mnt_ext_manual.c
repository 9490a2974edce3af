// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a directory from outside that has a name at the dump is another one that is given under that name", "needs": ["root"], "dumpOpts": ["--external", "mnt[/mnt]:GIVEN"], "restoreOpts": ["--external", "mnt[GIVEN]:/usr"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; tmpfs a; bind /usr /mnt",
    .check = "same /usr /mnt; yes /mnt/bin",
    .spoil = "umount /mnt",
};

int main(void) {
  return mounts_case(&plan);
}
