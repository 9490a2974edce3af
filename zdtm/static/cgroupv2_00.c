// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "opts": ["--manage-cgroups=full"], "verifies": "a threaded v2 cgroup is threaded again, with its properties"}
#include "cgroups.h"

int main(void) {
  tst_begin();
  char *one = cgroup_make("", NULL, "one"), *two = cgroup_make("", one, "two");
  cgroup_write(two, "cgroup.type", "threaded");
  cgroup_write(one, "cgroup.max.descendants", "7");
  cgroup_write(two, "cgroup.max.depth", "3");
  cgroup_enter(one, "cgroup.procs", getpid());
  tst_ready();
  TST_SPOIL cgroup_write(two, "cgroup.max.depth", "4");
  cgroup_at("self", "", "-one");
  cgroup_check(one, "cgroup.type", "domain threaded");
  cgroup_check(two, "cgroup.type", "threaded");
  cgroup_check(one, "cgroup.max.descendants", "7");
  cgroup_check(two, "cgroup.max.depth", "3");
  return tst_pass();
}
