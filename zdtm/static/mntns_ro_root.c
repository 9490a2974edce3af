// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "a root that is read-only in a namespace below alone", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a",
    .nested = "ro /",
    .check = "takes a",
    .nested_check = "refuses a",
    .spoil = "rmdir a",
};

int main(void) {
  return mounts_case(&plan);
}
