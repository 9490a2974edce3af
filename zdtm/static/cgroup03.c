// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "opts": ["--manage-cgroups"], "verifies": "a cgroup and its files have their owners and modes again"}
#include "cgroups.h"

static void check(const char *directory, const char *file, mode_t mode, uid_t uid, gid_t gid) {
  char path[768];
  struct stat is;
  snprintf(path, sizeof(path), "%s/%s", directory, file);
  tst_sys(stat(path, &is));
  tst_check((is.st_mode & 07777) == mode && is.st_uid == uid && is.st_gid == gid, "%s has mode %o and is of %u:%u", path,
            is.st_mode, is.st_uid, is.st_gid);
}

int main(void) {
  tst_begin();
  char *one = cgroup_make("name=systemd", NULL, "one"), procs[768];
  snprintf(procs, sizeof(procs), "%s/cgroup.procs", one);
  cgroup_enter(one, "cgroup.procs", getpid());
  tst_sys(chmod(one, 0710));
  tst_sys(chown(one, 1234, 2345));
  tst_sys(chmod(procs, 0660));
  tst_sys(chown(procs, 3456, 4567));
  tst_ready();
  TST_SPOIL tst_sys(chmod(procs, 0640));
  check(one, ".", 0710, 1234, 2345);
  check(one, "cgroup.procs", 0660, 3456, 4567);
  return tst_pass();
}
