// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "file systems of the kernel's own are there again", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir p; mkdir s; mkdir t; mkdir q; mkdir d; mkdir c; mount proc p; mount sysfs s; "
        "mount mqueue q; mount devtmpfs d; mount devpts t; mount cgroup2 c",
    .check = "yes p/self; yes s/kernel; yes d/null; yes t/ptmx; yes c/cgroup.procs",
    .spoil = "umount s; yes s/kernel",
};

int main(void) {
  return mounts_case(&plan);
}
