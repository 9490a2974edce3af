// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "opts": ["--manage-cgroups"], "verifies": "a task is in its nested cgroup again, whose directories were gone"}
#include "cgroups.h"

int main(void) {
  tst_begin();
  char *one = cgroup_make("name=systemd", NULL, "one");
  char *two = cgroup_make("name=systemd", one, "two");
  char *three = cgroup_make("name=systemd", two, "three");
  cgroup_enter(three, "cgroup.procs", getpid());
  tst_ready();
  TST_SPOIL cgroup_enter(two, "cgroup.procs", getpid());
  cgroup_at("self", "name=systemd", "-one/two/three");
  tst_check(access(three, F_OK) == 0, "the directory is not there");
  return tst_pass();
}
