// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "opts": ["--manage-cgroups"], "verifies": "children in cgroups beside that of the root, and their children, are there again"}
#include "cgroups.h"

static tst_step *step;

static int grandchild(void *unused) {
  (void)unused;
  tst_raise(step);
  tst_sleep();
}

static int child(void *directory) {
  if (directory) cgroup_enter(directory, "cgroup.procs", getpid());
  tst_child(grandchild, NULL);
  tst_raise(step);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  char *one = cgroup_make("name=systemd", NULL, "one"), *other = cgroup_make("name=systemd", NULL, "other");
  char *inner = cgroup_make("freezer", NULL, "inner");
  pid_t at_home = tst_child(child, NULL), stray = tst_child(child, other), inside = tst_child(child, inner);
  tst_await(step, 6);
  cgroup_enter(one, "cgroup.procs", getpid());
  tst_ready();
  TST_SPOIL cgroup_enter(one, "cgroup.procs", stray);
  char who[16], home[512];
  cgroup_at("self", "name=systemd", "-one");
  snprintf(who, sizeof(who), "%d", stray);
  cgroup_at(who, "name=systemd", "-other");
  snprintf(who, sizeof(who), "%d", inside);
  cgroup_at(who, "freezer", "-inner");
  snprintf(who, sizeof(who), "%d", at_home);
  cgroup_of(who, "name=systemd", home);
  tst_check(!strstr(home, "zdtm-"), "a child that stayed is in %s", home);
  return tst_pass();
}
