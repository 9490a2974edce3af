// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "opts": ["--manage-cgroups"], "verifies": "a cgroup namespace has its root again, and a task below that root is below it"}
#include "cgroups.h"

int main(void) {
  tst_begin();
  char *root = cgroup_make("name=systemd", NULL, "root"), *below = cgroup_make("name=systemd", root, "below");
  char *other = cgroup_make("freezer", NULL, "other"), is[512];
  cgroup_enter(root, "cgroup.procs", getpid());
  cgroup_enter(other, "cgroup.procs", getpid());
  tst_sys(unshare(CLONE_NEWCGROUP));
  cgroup_enter(below, "cgroup.procs", getpid());
  cgroup_of("self", "name=systemd", is);
  tst_check(!strcmp(is, "/below"), "it begins in %s", is);
  tst_ready();
  TST_SPOIL cgroup_enter(root, "cgroup.procs", getpid());
  cgroup_of("self", "name=systemd", is);
  tst_check(!strcmp(is, "/below"), "it is in %s of its namespace", is);
  cgroup_of("self", "freezer", is);
  tst_check(!strcmp(is, "/"), "it is in %s of its namespace", is);
  return tst_pass();
}
