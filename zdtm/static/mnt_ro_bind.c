// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a bind that is read-only, of a directory that is not", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; tmpfs a; bind a b; ro b",
    .check = "refuses b; takes a; file a/f text; is b/f text",
    .spoil = "umount b",
};

int main(void) {
  return mounts_case(&plan);
}
