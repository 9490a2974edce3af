// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "mounts that share come back as they were where criu's older way to make them is asked for (--mntns-compat-mode), tmpfs without a security context stay without one (--lsm-mount-context)", "needs": ["root"], "spoils": true, "restoreOpts": ["--mntns-compat-mode", "--lsm-mount-context", "system_u:object_r:tmp_t:s0:c1,c2"]}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; tmpfs a size=1m; mkdir a/x; shared a; mkdir b; bind a/x b; mkdir c; bind a c; slave c",
    .nested = "private b; tmpfs b; file b/f 1",
    .check = "no b/f; tmpfs b; file b/g 2; is a/x/g 2; is c/x/g 2; umount b",
    .spoil = "umount b",
    .nested_check = "is b/f 1; no b/g",
};

int main(void) {
  return mounts_case(&plan);
}
