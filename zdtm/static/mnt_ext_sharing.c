// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a mount that is given from outside, and its copy in another namespace of the tree, are one peer group again", "needs": ["root"], "dumpOpts": ["--external", "mnt[/mnt]:GIVEN"], "restoreOpts": ["--external", "mnt[GIVEN]:/usr"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "bind /usr /mnt; shared /mnt",
    .nested = "yes /mnt/bin",
    .check = "same /usr /mnt; tmpfs /mnt/games; file /mnt/games/f text",
    .nested_check = "same /usr/bin /mnt/bin; is /mnt/games/f text",
    .spoil = "private /mnt",
};

int main(void) {
  return mounts_case(&plan);
}
