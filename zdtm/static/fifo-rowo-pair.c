// zdtm: {"category": "fifo", "verifies": "one task holds only the reading, another only the writing end of a named pipe with bytes in it"}
#include "tst.h"

static tst_step *step;

static int writer(void *unused) {
  (void)unused;
  int fd = tst_sys(open("pipe", O_WRONLY));
  tst_sys(write(fd, "before ", 7));
  tst_set(step, 1);
  tst_await(step, 2);
  tst_sys(write(fd, tst_spoiling() ? "never" : "after", 5));
  return 6;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_sys(mkfifo("pipe", 0600));
  pid_t pid = tst_child(writer, NULL);
  int fd = tst_sys(open("pipe", O_RDONLY));
  tst_await(step, 1);
  tst_ready();
  tst_set(step, 2);
  tst_check(WEXITSTATUS(tst_reap(pid)) == 6, "the writer ended otherwise");
  char text[32] = {0};
  tst_check(read(fd, text, 31) == 12 && !strcmp(text, "before after"), "the pipe holds %s", text);
  tst_check(read(fd, text, 31) == 0, "the end of the pipe is not seen");
  return tst_pass();
}
