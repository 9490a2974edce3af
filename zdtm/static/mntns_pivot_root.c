// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "a namespace below whose root was exchanged", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a",
    .nested = "tmpfs a; mkdir a/old; mkdir a/proc; mkdir a/in; file a/f text; mount proc a/proc; "
        "pivot a; tmpfs in; file in/g more; open /f",
    .check = "no /f",
    .nested_check = "is /f text; is /in/g more; yes /old/etc; held 0 text",
    .spoil = "no a",
};

int main(void) {
  return mounts_case(&plan);
}
