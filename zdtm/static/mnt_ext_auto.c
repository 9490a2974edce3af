// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a directory from outside that the dump finds by itself (--external mnt[]) is mounted again, with what is mounted upon it", "needs": ["root"], "opts": ["--external", "mnt[]"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "bind /usr /mnt; tmpfs /mnt/games; file /mnt/games/f text",
    .check = "same /usr/bin /mnt/bin; is /mnt/games/f text",
    .spoil = "umount /mnt/games",
};

int main(void) {
  return mounts_case(&plan);
}
