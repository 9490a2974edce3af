// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "names that are gone while other links live, on mounts of a namespace below", "needs": ["root"], "opts": ["--link-remap"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a",
    .nested = "tmpfs a; file a/f text; link a/f a/g; read a/f; rm a/f",
    .check = "yes a",
    .nested_check = "held 0 text; is a/g text; no a/f",
    .spoil = "rmdir a",
};

int main(void) {
  return mounts_case(&plan);
}
