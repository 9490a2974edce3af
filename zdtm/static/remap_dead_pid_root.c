// zdtm: {"category": "files", "verifies": "an open /proc directory of a task that is gone is still there, and empty"}
#include "tst.h"

static int sleeper(void *unused) {
  (void)unused;
  tst_sleep();
}

int main(void) {
  tst_begin();
  pid_t pid = tst_child(sleeper, NULL);
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d", pid);
  int fd = tst_sys(open(path, O_RDONLY | O_DIRECTORY));
  tst_end(pid);
  tst_ready();
  TST_SPOIL fd = tst_sys(open("/proc/self", O_RDONLY | O_DIRECTORY));
  tst_check(openat(fd, "status", O_RDONLY) == -1, "the directory of a dead task has files");
  struct stat is;
  tst_check(fstat(fd, &is) == 0 && S_ISDIR(is.st_mode), "the descriptor is no directory any more");
  tst_check(kill(pid, 0) == -1 && errno == ESRCH, "the task is back");
  return tst_pass();
}
