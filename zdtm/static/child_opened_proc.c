// zdtm: {"category": "process-tree", "verifies": "descriptors of a child's /proc entries, opened by its parent, still show that child"}
#include "tst.h"

static int child(void *unused) {
  (void)unused;
  tst_sleep();
}

static void look(int fd, const char *wanted) {
  char text[4096];
  ssize_t got = tst_sys(pread(fd, text, sizeof(text) - 1, 0));
  text[got] = 0;
  tst_check(strstr(text, wanted), "\"%s\" is not in what the descriptor shows", wanted);
}

int main(void) {
  tst_begin();
  pid_t pid = tst_child(child, NULL);
  char path[64], in_status[32], in_stat[32];
  snprintf(path, sizeof(path), "/proc/%d/status", pid);
  snprintf(in_status, sizeof(in_status), "\nPid:\t%d\n", pid);
  snprintf(in_stat, sizeof(in_stat), "%d (", pid);
  int status = tst_sys(open(path, O_RDONLY));
  snprintf(path, sizeof(path), "/proc/%d", pid);
  int directory = tst_sys(open(path, O_RDONLY | O_DIRECTORY));
  look(status, in_status);
  tst_ready();
  TST_SPOIL tst_end(pid);
  look(status, in_status);
  int stat = tst_sys(openat(directory, "stat", O_RDONLY));
  look(stat, in_stat);
  tst_end(pid);
  return tst_pass();
}
