// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a part of /proc/sys that may be written, upon a whole that may not", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "bind /proc/sys /proc/sys; ro /proc/sys; bind /proc/sys/net /proc/sys/net",
    .check = "same /proc/sys/net /proc/sys/net",
    .spoil = "umount /proc/sys/net; umount /proc/sys; mkdir /proc/sys/no",
};

int main(void) {
  return mounts_case(&plan);
}
