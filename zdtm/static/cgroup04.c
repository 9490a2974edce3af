// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "opts": ["--manage-cgroups=full"], "verifies": "limits of memory, processes, CPU time and devices hold again"}
#include "cgroups.h"

static const struct {
  const char *hierarchy, *file, *write, *text, *want;
} limits[] = {
    {"memory", "memory.limit_in_bytes", "memory.limit_in_bytes", "268435456", "268435456"},
    {"memory", "memory.swappiness", "memory.swappiness", "17", "17"},
    {"memory", "memory.oom_control", "memory.oom_control", "1", "oom_kill_disable 1\nunder_oom 0\noom_kill 0"},
    {"pids", "pids.max", "pids.max", "77", "77"},
    {"cpu", "cpu.shares", "cpu.shares", "333", "333"},
    {"cpu", "cpu.cfs_period_us", "cpu.cfs_period_us", "50000", "50000"},
    {"cpu", "cpu.cfs_quota_us", "cpu.cfs_quota_us", "20000", "20000"},
    {"devices", "devices.list", "devices.deny", "a", "c 1:3 rwm\nc 5:* rw"},
    {"devices", NULL, "devices.allow", "c 1:3 rwm", NULL},
    {"devices", NULL, "devices.allow", "c 5:* rw", NULL},
};
#define LIMITS (sizeof(limits) / sizeof(*limits))

static char *directories[LIMITS];

int main(void) {
  tst_begin();
  for (size_t i = 0; i < LIMITS; i++) {
    for (size_t before = 0; before < i; before++)
      if (!strcmp(limits[before].hierarchy, limits[i].hierarchy)) directories[i] = directories[before];
    if (!directories[i]) {
      directories[i] = cgroup_make(limits[i].hierarchy, NULL, "limited");
      cgroup_enter(directories[i], "cgroup.procs", getpid());
    }
    cgroup_write(directories[i], limits[i].write, limits[i].text);
  }
  tst_ready();
  TST_SPOIL cgroup_write(directories[7], "devices.allow", "c 1:5 r");
  for (size_t i = 0; i < LIMITS; i++) {
    cgroup_at("self", limits[i].hierarchy, "-limited");
    if (limits[i].file) cgroup_check(directories[i], limits[i].file, limits[i].want);
  }
  tst_check(open("/dev/zero", O_RDONLY) == -1 && errno == EPERM, "a device that is denied opens");
  tst_sys(open("/dev/null", O_RDWR));
  return tst_pass();
}
