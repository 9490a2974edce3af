// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a tmpfs that is read-only by itself, with what is in it", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir t; tmpfs t; file t/f text; rosb t",
    .check = "is t/f text; refuses t",
    .spoil = "umount t",
};

int main(void) {
  return mounts_case(&plan);
}
