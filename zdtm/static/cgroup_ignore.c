// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "restoreOpts": ["--manage-cgroups=ignore"], "except": {"cgroup": "it stays where the restorer is"}, "verifies": "with --manage-cgroups=ignore a restored task stays in the restorer's cgroup"}
#include "cgroups.h"

int main(void) {
  tst_begin();
  char *one = cgroup_make("name=systemd", NULL, "one"), before[512], after[512];
  cgroup_of("self", "name=systemd", before);
  cgroup_enter(one, "cgroup.procs", getpid());
  tst_ready();
  cgroup_of("self", "name=systemd", after);
  TST_SPOIL after[0] = 0;
  /* without a restore it is where it went */
  if (tst_ends()) tst_check(!strcmp(before, after), "it is in %s", after);
  else tst_check(strlen(after) > strlen(before), "it is in %s", after);
  return tst_pass();
}
