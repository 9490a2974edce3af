// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "two directories from outside, each by its own name", "needs": ["root"], "dumpOpts": ["--external", "mnt[/mnt]:ONE", "--external", "mnt[/media]:TWO"], "restoreOpts": ["--external", "mnt[ONE]:/usr/bin", "--external", "mnt[TWO]:/usr/lib"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "bind /usr/bin /mnt; bind /usr/lib /media; read /mnt/env; mkdir a; bind /media a",
    .check = "same /usr/bin /mnt; same /usr/lib /media; same /usr/lib a",
    .spoil = "umount /media",
};

int main(void) {
  return mounts_case(&plan);
}
