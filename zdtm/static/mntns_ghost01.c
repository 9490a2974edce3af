// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "a file that was deleted, open through a mount that may be written and through a read-only one of a namespace below", "needs": ["root"], "opts": ["--link-remap"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; tmpfs a; file a/f text; bind a b",
    .nested = "read a/f; ro b; read b/f; rm a/f",
    .check = "no a/f",
    .nested_check = "held 0 text; held 1 text; no b/f; refuses b",
    .spoil = "file a/f no",
};

int main(void) {
  return mounts_case(&plan);
}
