// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "where one namespace has a mount that is given from outside, another one has a tmpfs of its own again", "needs": ["root"], "dumpOpts": ["--external", "mnt[/mnt]:GIVEN"], "restoreOpts": ["--external", "mnt[GIVEN]:/usr"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "bind /usr /mnt",
    .nested = "umount /mnt; tmpfs /mnt; file /mnt/f text",
    .check = "same /usr /mnt; yes /mnt/bin; no /mnt/f",
    .nested_check = "is /mnt/f text; no /mnt/bin; takes /mnt",
    .spoil = "umount /mnt",
};

int main(void) {
  return mounts_case(&plan);
}
