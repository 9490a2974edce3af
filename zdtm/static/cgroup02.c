// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "once": "its cgroups have another root then", "dumpOpts": ["--manage-cgroups", "--cgroup-root", "name=systemd:/zdtm-cgroup02"], "restoreOpts": ["--manage-cgroups", "--cgroup-root", "/zdtm-cgroup02-all", "--cgroup-root", "name=systemd:/zdtm-cgroup02-own"], "except": {"cgroup": "other cgroups are what is asked for"}, "verifies": "cgroups have another root afterwards: one hierarchy its own (--cgroup-root CTRL:PATH), all others that of all"}
#include "cgroups.h"

/* What the restore makes, below the roots that are given to it, is removed with what the case makes. */
static void note(const char *hierarchy, const char *name) {
  char *path;
  tst_sys(asprintf(&path, "%s/%s", cgroup_mount(hierarchy), name));
  cgroup_note(path);
  free(path);
}

static void note_all(void) {
  FILE *file = tst_sys(fopen("/proc/self/cgroup", "re"));
  char line[1024];
  while (fgets(line, sizeof(line), file)) {
    char *hierarchy = strchr(line, ':') + 1, *path = strchr(hierarchy, ':');
    *path++ = 0;
    /* those of the topmost cgroup stay there */
    if (strcmp(path, "/\n") && strcmp(hierarchy, "name=systemd")) note(hierarchy, "zdtm-cgroup02-all");
  }
  fclose(file);
}

static void is_at(const char *hierarchy, const char *want) {
  char is[512];
  cgroup_of("self", hierarchy, is);
  tst_check(!strcmp(is, want), "in %s it is at %s, not at %s", *hierarchy ? hierarchy : "v2", is, want);
}

int main(void) {
  tst_begin();
  char *own = cgroup_make("name=systemd", cgroup_mount("name=systemd"), "zdtm-cgroup02");
  char *one = cgroup_make("name=systemd", own, "one");
  char *other = cgroup_make("name=systemd", own, "other");
  char *two = cgroup_make("", cgroup_mount(""), "zdtm-cgroup02-two");
  cgroup_enter(one, "cgroup.procs", getpid());
  cgroup_enter(two, "cgroup.procs", getpid());
  note_all();
  note("name=systemd", "zdtm-cgroup02-own");
  note("name=systemd", "zdtm-cgroup02-own/other");
  note("name=systemd", "zdtm-cgroup02-own/one");
  tst_ready();
  TST_SPOIL cgroup_enter(other, "cgroup.procs", getpid());
  is_at("name=systemd", tst_ends() ? "/zdtm-cgroup02-own/one" : "/zdtm-cgroup02/one");
  is_at("", tst_ends() ? "/zdtm-cgroup02-all" : "/zdtm-cgroup02-two");
  /* one that nobody is in comes along, since it is below the root that the dump was told of */
  char path[512];
  snprintf(path, sizeof(path), "%s-own/other", own);
  if (tst_ends()) tst_check(access(path, F_OK) == 0, "an empty one is not there");
  return tst_pass();
}
