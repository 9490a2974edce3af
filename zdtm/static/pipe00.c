// zdtm: {"category": "pipes", "verifies": "two pipes held crosswise by two tasks pass data both ways"}
#include "tst.h"

static int to[2], from[2];

static int echo(void *unused) {
  (void)unused;
  char text[8];
  close(to[1]);
  close(from[0]);
  for (ssize_t got; (got = read(to[0], text, sizeof(text))) > 0;) write(from[1], text, (size_t)got);
  return 3;
}

int main(void) {
  tst_begin();
  tst_sys(pipe(to));
  tst_sys(pipe(from));
  pid_t pid = tst_child(echo, NULL);
  close(to[0]);
  close(from[1]);
  tst_until(tst_state(pid) == 'S', "the child does not sleep");
  tst_ready();
  char text[8] = {0};
  tst_sys(write(to[1], "there", 5));
  TST_SPOIL to[1] = dup(to[1]);
  tst_check(read(from[0], text, sizeof(text)) == 5 && !strcmp(text, "there"), "the echo is %s", text);
  close(to[1]);
  TST_SPOIL tst_sys(kill(pid, SIGKILL));
  tst_check(read(from[0], text, 1) == 0, "the end of the pipe is not seen");
  int status = tst_reap(pid);
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 3, "the child ended with 0x%x", status);
  return tst_pass();
}
