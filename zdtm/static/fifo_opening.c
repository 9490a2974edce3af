// zdtm: {"category": "fifo", "verifies": "a task that waits in open for the other end of a named pipe goes on waiting until it comes"}
#include "tst.h"

static int opener(void *unused) {
  (void)unused;
  int fd = open("pipe", O_RDONLY);
  tst_check(fd >= 0, "open fails: %s", strerror(errno));
  char text[8] = {0};
  tst_check(read(fd, text, 7) == 4 && !strcmp(text, "come"), "the pipe holds %s", text);
  return 3;
}

int main(void) {
  tst_begin();
  tst_sys(mkfifo("pipe", 0600));
  pid_t pid = tst_child(opener, NULL);
  tst_until(tst_state(pid) == 'S', "the child does not sleep");
  tst_ready();
  int fd = tst_sys(open("pipe", O_WRONLY));
  tst_sys(write(fd, tst_spoiling() ? "gone" : "come", 4));
  tst_check(WEXITSTATUS(tst_reap(pid)) == 3, "the child ended otherwise");
  return tst_pass();
}
