// zdtm: {"category": "files", "except": {"fd 3 info": "/proc numbers its files anew", "fd 3 file": "/proc numbers its files anew", "fd 4 info": "/proc numbers its files anew", "fd 4 file": "/proc numbers its files anew"}, "verifies": "an open /proc file of a task that is gone is still there, and still says so"}
#include "tst.h"

static int sleeper(void *unused) {
  (void)unused;
  tst_sleep();
}

int main(void) {
  tst_begin();
  pid_t pid = tst_child(sleeper, NULL);
  char path[64], text[16];
  snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
  int fd = tst_sys(open(path, O_RDONLY));
  snprintf(path, sizeof(path), "/proc/%d/status", pid);
  int status = tst_sys(open(path, O_RDONLY));
  tst_end(pid);
  tst_ready();
  TST_SPOIL status = tst_sys(open("/proc/self/status", O_RDONLY));
  tst_check(fcntl(fd, F_GETFL) >= 0, "the descriptor is closed");
  tst_check(read(status, text, sizeof(text)) == -1 && errno == ESRCH, "the status can be read: %s", strerror(errno));
  tst_check(kill(pid, 0) == -1 && errno == ESRCH, "the task is back");
  return tst_pass();
}
