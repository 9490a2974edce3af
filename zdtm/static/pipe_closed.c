// zdtm: {"category": "pipes", "verifies": "a pipe without writers gives its bytes and then its end; one without readers refuses a write with SIGPIPE"}
#include "tst.h"

int main(void) {
  tst_begin();
  int no_writer[2], no_reader[2], empty[2];
  tst_sys(pipe(no_writer));
  tst_sys(pipe(no_reader));
  tst_sys(pipe(empty));
  tst_sys(write(no_writer[1], "last words", 10));
  tst_sys(write(no_reader[1], "unread", 6));
  close(no_writer[1]);
  close(no_reader[0]);
  close(empty[1]);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  sigprocmask(SIG_BLOCK, &set, NULL);
  tst_ready();
  char text[16] = {0};
  TST_SPOIL tst_sys(read(no_writer[0], text, 4));
  tst_check(read(no_writer[0], text, 15) == 10 && !strcmp(text, "last words"), "the bytes are %s", text);
  tst_check(read(no_writer[0], text, 15) == 0, "the end is not seen");
  tst_check(read(empty[0], text, 15) == 0, "the end of the empty pipe is not seen");
  tst_check(write(no_reader[1], "x", 1) == -1 && errno == EPIPE, "a pipe without a reader takes bytes");
  struct timespec at_once = {0};
  tst_check(sigtimedwait(&set, NULL, &at_once) == SIGPIPE, "there is no SIGPIPE");
  return tst_pass();
}
