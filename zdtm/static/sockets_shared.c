// zdtm: {"category": "sockets-unix", "verifies": "parent and child on the two sides of a socket pair go on talking, with a blocked receive on one"}
#include "tst.h"

#include <sys/socket.h>

static int pair[2];

static int echo(void *unused) {
  (void)unused;
  char text[32];
  close(pair[0]);
  for (ssize_t got; (got = recv(pair[1], text, sizeof(text), 0)) > 0;) send(pair[1], text, (size_t)got, 0);
  return 7;
}

int main(void) {
  tst_begin();
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  pid_t pid = tst_child(echo, NULL);
  close(pair[1]);
  tst_until(tst_state(pid) == 'S', "the child does not sleep");
  tst_ready();
  char text[32] = {0};
  tst_sys(send(pair[0], "hello", 5, 0));
  TST_SPOIL tst_sys(send(pair[0], "!", 1, 0));
  tst_check(recv(pair[0], text, 32, 0) == 5 && !strcmp(text, "hello"), "the echo is %s", text);
  tst_sys(shutdown(pair[0], SHUT_WR));
  TST_SPOIL tst_sys(kill(pid, SIGKILL));
  tst_check(WEXITSTATUS(tst_reap(pid)) == 7, "the child ended otherwise");
  return tst_pass();
}
