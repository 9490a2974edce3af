// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "cc": ["-pthread"], "opts": ["--manage-cgroups"], "verifies": "threads in other v1 cgroups than their leader are there again"}
#include "cgroup_threads.h"

int main(void) {
  tst_begin();
  char *all = cgroup_make("freezer", NULL, "all"), *one = cgroup_make("freezer", all, "one");
  cgroup_enter(all, "cgroup.procs", getpid());
  cgroup_threads();
  cgroup_enter(one, "tasks", cgroup_tids[1]);
  tst_ready();
  TST_SPOIL cgroup_enter(all, "tasks", cgroup_tids[1]);
  char who[64];
  cgroup_at("self", "freezer", "-all");
  snprintf(who, sizeof(who), "self/task/%d", cgroup_tids[0]);
  cgroup_at(who, "freezer", "-all");
  snprintf(who, sizeof(who), "self/task/%d", cgroup_tids[1]);
  cgroup_at(who, "freezer", "-all/one");
  return tst_pass();
}
