// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "cc": ["-pthread"], "opts": ["--manage-cgroups=full"], "verifies": "threads of a threaded v2 subtree are in their own cgroups again"}
#include "cgroup_threads.h"

int main(void) {
  tst_begin();
  char *all = cgroup_make("", NULL, "all"), *one = cgroup_make("", all, "one"), *two = cgroup_make("", all, "two");
  cgroup_write(one, "cgroup.type", "threaded");
  cgroup_write(two, "cgroup.type", "threaded");
  cgroup_enter(all, "cgroup.procs", getpid());
  cgroup_threads();
  cgroup_enter(one, "cgroup.threads", cgroup_tids[0]);
  cgroup_enter(two, "cgroup.threads", cgroup_tids[1]);
  tst_ready();
  TST_SPOIL cgroup_enter(one, "cgroup.threads", cgroup_tids[1]);
  char who[64];
  cgroup_at("self", "", "-all");
  snprintf(who, sizeof(who), "self/task/%d", cgroup_tids[0]);
  cgroup_at(who, "", "-all/one");
  snprintf(who, sizeof(who), "self/task/%d", cgroup_tids[1]);
  cgroup_at(who, "", "-all/two");
  return tst_pass();
}
