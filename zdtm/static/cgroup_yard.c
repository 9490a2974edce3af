// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["net"], "opts": ["--manage-cgroups", "--cgroup-yard", "/mnt"], "verifies": "cgroups are reached by directories in which their hierarchies are mounted already (--cgroup-yard)"}
#include "cgroups.h"

#include <sys/mount.h>

/* One directory for each hierarchy, where tscriu sees them, too: the mount namespace is the harness's. */
static void make_yard(void) {
  FILE *file = tst_sys(fopen("/proc/self/cgroup", "re"));
  char line[1024], path[512];
  tst_sys(mount("yard", "/mnt", "tmpfs", 0, NULL));
  while (fgets(line, sizeof(line), file)) {
    char *hierarchy = strchr(line, ':') + 1;
    *strchr(hierarchy, ':') = 0;
    const char *name = strncmp(hierarchy, "name=", 5) ? hierarchy : hierarchy + 5;
    snprintf(path, sizeof(path), "/mnt/%s", *name ? name : "unified");
    tst_sys(mkdir(path, 0755));
    tst_sys(mount(cgroup_mount(hierarchy), path, NULL, MS_BIND, NULL));
  }
  fclose(file);
}

int main(void) {
  tst_begin();
  make_yard();
  char *one = cgroup_make("name=systemd", NULL, "one");
  char *two = cgroup_make("name=systemd", one, "two");
  cgroup_enter(two, "cgroup.procs", getpid());
  tst_ready();
  TST_SPOIL cgroup_enter(one, "cgroup.procs", getpid());
  cgroup_at("self", "name=systemd", "-one/two");
  tst_check(access(two, F_OK) == 0, "the directory is not there");
  return tst_pass();
}
