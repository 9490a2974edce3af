// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "devtmpfs is mounted again, twice, of which one is read-only, and a device in it is open", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; mount devtmpfs a; bind a b; ro b; open a/null; read a/zero",
    .check = "same a b; same a/null /dev/null; refuses b; yes b/zero",
    .spoil = "umount b; rmdir b",
};

int main(void) {
  return mounts_case(&plan);
}
