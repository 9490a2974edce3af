// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "debugfs, tracefs and securityfs, each mounted twice, and tracefs upon the directory that debugfs has for it", "needs": ["root"], "spoils": true}
#include "mounts.h"

static const mounts_plan plan = {
    .make = "mkdir a; mkdir b; mkdir c; mkdir d; mount debugfs a; mount tracefs b; mount securityfs c; bind a d; bind b a/tracing",
    .check = "same a d; yes b/trace_pipe; yes a/tracing/trace_pipe; umount a/tracing; umount d; umount c",
    .spoil = "umount a/tracing; umount a",
};

int main(void) {
  return mounts_case(&plan);
}
