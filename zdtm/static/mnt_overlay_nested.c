// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "an overlay of directories of the tree's tmpfs, a tmpfs upon it, a mount of a directory of it elsewhere, and all of that in a second namespace are there again", "needs": ["root"], "spoils": true}
#include "overlays.h"

static const mounts_plan plan = {
    .make = "mkdir /mnt/over/all/in; tmpfs /mnt/over/all/in; file /mnt/over/all/in/f text; mkdir /mnt/over/all/part; "
            "file /mnt/over/all/part/g text; bind /mnt/over/all/part /media; open /media/g",
    .nested = "is /media/g text; umount /mnt/over/all/in; tmpfs /mnt/over/all/in; file /mnt/over/all/in/h text",
    .check = "is /mnt/over/all/in/f text; same /media /mnt/over/all/part; is /media/g text; is /mnt/over/up/part/g text; "
             "file /mnt/over/all/from x",
    .nested_check = "is /mnt/over/all/in/h text; is /mnt/over/all/from x; same /media /mnt/over/all/part; is /media/g text",
    .spoil = "umount /media",
};

int main(void) {
  mounts_run("tmpfs /mnt; mkdir /mnt/over");
  overlays_make("/mnt/over");
  return mounts_case(&plan);
}
