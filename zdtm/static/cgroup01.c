// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "opts": ["--manage-cgroups"], "verifies": "empty cgroups below that of the tree are made again"}
#include "cgroups.h"

int main(void) {
  tst_begin();
  char *one = cgroup_make("name=systemd", NULL, "one");
  char *empty = cgroup_make("name=systemd", one, "empty");
  char *below = cgroup_make("name=systemd", empty, "below");
  char *other = cgroup_make("name=systemd", one, "other");
  cgroup_enter(one, "cgroup.procs", getpid());
  cgroup_write(below, "notify_on_release", "1");
  tst_ready();
  TST_SPOIL tst_sys(rmdir(other));
  tst_check(access(other, F_OK) == 0, "an empty one is not there");
  cgroup_check(below, "notify_on_release", "1");
  cgroup_at("self", "name=systemd", "-one");
  return tst_pass();
}
