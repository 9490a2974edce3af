// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "children of mounts that are shared and slaves are there once", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir m; mkdir s; mkdir p; tmpfs m; mkdir m/in; shared m; bind m s; slave s; shared s; "
        "bind s p; tmpfs m/in; file m/in/f 1; tmpfs s/in; file s/in/f 2",
    .check = "is m/in/f 1; is p/in/f 2; umount p/in; is s/in/f 1; is p/in/f 1",
    .spoil = "umount p/in",
};

int main(void) {
  return mounts_case(&plan);
}
