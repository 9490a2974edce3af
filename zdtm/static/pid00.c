// zdtm: {"category": "creds", "verifies": "process and parent ids, real, effective, saved and file system users and groups come back"}
#include "tst.h"

#include <sys/fsuid.h>

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  uid_t ruid, euid, suid;
  gid_t rgid, egid, sgid;
  pid_t pid = getpid(), parent = getppid();
  tst_sys(setresgid(1001, 1002, 1003));
  setfsgid(1004);
  tst_sys(setresuid(2001, 0, 2003));
  setfsuid(2004);
  tst_set(step, 1);
  tst_await(step, 2);
  TST_SPOIL setfsuid(2005);
  tst_check(getpid() == pid && getppid() == parent, "the pid is %d, the parent's %d", getpid(), getppid());
  tst_sys(getresuid(&ruid, &euid, &suid));
  tst_sys(getresgid(&rgid, &egid, &sgid));
  tst_check(ruid == 2001 && euid == 0 && suid == 2003 && setfsuid(-1u) == 2004, "the users are %d %d %d", ruid, euid, suid);
  tst_check(rgid == 1001 && egid == 1002 && sgid == 1003 && setfsgid(-1u) == 1004, "the groups are %d %d %d", rgid, egid,
            sgid);
  tst_set(step, 3);
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  tst_set(step, 2);
  tst_await(step, 3);
  tst_check(getuid() == 0 && geteuid() == 0 && getgid() == 0, "the parent is user %d", getuid());
  return tst_pass();
}
