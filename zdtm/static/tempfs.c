// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "a tmpfs has what lay in it, also below a mount in it, and what is open there", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir t; tmpfs t size=2m; file t/f text; mkdir t/in; file t/in/below hidden; "
        "ghost t/g ghost; open t/f; tmpfs t/in; file t/in/above seen",
    .check = "is t/f text; is t/in/above seen; held 0 ghost; held 1 text; umount t/in; "
        "is t/in/below hidden; no t/g",
    .spoil = "rm t/f",
};

int main(void) {
  return mounts_case(&plan);
}
