// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "the same with a root that is read-only", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a",
    .nested = "tmpfs a; mkdir a/old; mkdir a/proc; file a/f text; mount proc a/proc; pivot a; ro /",
    .check = "yes a",
    .nested_check = "is /f text; refuses /",
    .spoil = "rmdir a",
};

int main(void) {
  return mounts_case(&plan);
}
