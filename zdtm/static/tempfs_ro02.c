// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a mount of a tmpfs that is read-only from the start", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir t; mkdir u; tmpfs t; bind t u; ro u",
    .check = "refuses u; takes t",
    .spoil = "umount u",
};

int main(void) {
  return mounts_case(&plan);
}
