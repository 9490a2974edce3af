// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "opts": ["--manage-cgroups=full"], "verifies": "net_prio.ifpriomap of a cgroup has the priority of each interface of the machine again"}
#include "cgroups.h"

/* One line for each interface of the machine's first network namespace, wherever it is read. */
static void is(const char *cgroup, const char *want) {
  char all[4096];
  cgroup_read(cgroup, "net_prio.ifpriomap", all);
  tst_check(!strcmp(all, want), "the priorities are %s, not %s", all, want);
}

int main(void) {
  tst_begin();
  cgroup_mount("net_prio");
  char *one = cgroup_make("net_prio", NULL, "one"), had[4096], line[64], *rest = had, *name;
  cgroup_enter(one, "cgroup.procs", getpid());
  cgroup_read(one, "net_prio.ifpriomap", had);
  for (int priority = 3; (name = strsep(&rest, " ")); priority += 2) {
    snprintf(line, sizeof(line), "%s %d", name, priority);
    cgroup_write(one, "net_prio.ifpriomap", line);
    strsep(&rest, "\n");
  }
  cgroup_read(one, "net_prio.ifpriomap", had);
  tst_check(strstr(had, " 3"), "none is set: %s", had);
  tst_ready();
  TST_SPOIL cgroup_write(one, "net_prio.ifpriomap", "lo 9");
  cgroup_at("self", "net_prio", "-one");
  is(one, had);
  return tst_pass();
}
