// zdtm: {"category": "files", "opts": ["--link-remap"], "verifies": "a current directory in the /proc of a task that is gone is still such a place"}
#include "tst.h"

static int sleeper(void *unused) {
  (void)unused;
  tst_sleep();
}

int main(void) {
  tst_begin();
  pid_t pid = tst_child(sleeper, NULL);
  char path[64], is[PATH_MAX];
  snprintf(path, sizeof(path), "/proc/%d", pid);
  tst_sys(chdir(path));
  tst_end(pid);
  tst_ready();
  TST_SPOIL tst_sys(chdir("/"));
  tst_check(!getcwd(is, sizeof(is)) && errno == ENOENT, "the directory is %s", is);
  struct stat it;
  tst_check(stat(".", &it) == 0 || errno == ESRCH || errno == ENOENT, "the directory cannot be asked: %s", strerror(errno));
  return tst_pass();
}
