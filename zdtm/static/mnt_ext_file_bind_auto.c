// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a file from outside upon a file of the tree, found by the dump itself (--external mnt[])", "needs": ["root"], "opts": ["--external", "mnt[]"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; tmpfs a; file a/f text; bind /etc/passwd a/f; read a/f",
    .check = "same /etc/passwd a/f; same a/f /etc/passwd",
    .spoil = "umount a/f",
};

int main(void) {
  return mounts_case(&plan);
}
