// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "opts": ["--manage-cgroups"], "verifies": "a cgroup of v2 that no task is in comes back with its limits, handed to whom it was, where it lies above those of the tree"}
#include "cgroups.h"

enum { OWNER = 1000 };

static struct stat stat_of(const char *directory, const char *name) {
  char path[768];
  struct stat it;
  snprintf(path, sizeof(path), "%s/%s", directory, name);
  tst_sys(stat(path, &it));
  return it;
}

/* What a cgroup is handed over by, as the kernel's text has it */
static const char *const handed[] = {"", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"};

int main(void) {
  tst_begin();
  char *top = cgroup_make("", NULL, "top"), *mid = cgroup_make("", top, "mid"), *low = cgroup_make("", mid, "low");
  cgroup_write(top, "cgroup.max.descendants", "7");
  cgroup_write(mid, "cgroup.max.depth", "3");
  for (unsigned i = 0; i < sizeof(handed) / sizeof(handed[0]); i++) {
    char path[768];
    snprintf(path, sizeof(path), "%s/%s", mid, handed[i]);
    tst_sys(chown(path, OWNER, OWNER));
  }
  cgroup_enter(low, "cgroup.procs", getpid());
  tst_ready();
  TST_SPOIL cgroup_write(top, "cgroup.max.descendants", "8");
  cgroup_at("self", "", "-top/mid/low");
  cgroup_check(top, "cgroup.max.descendants", "7");
  cgroup_check(mid, "cgroup.max.depth", "3");
  for (unsigned i = 0; i < sizeof(handed) / sizeof(handed[0]); i++)
    tst_check(stat_of(mid, handed[i]).st_uid == OWNER, "%s was handed over, and is not", handed[i]);
  tst_check(stat_of(low, "").st_uid == 0, "the cgroup below belongs to somebody else");
  return tst_pass();
}
