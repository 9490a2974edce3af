// zdtm: {"category": "sockets-unix", "verifies": "a stream socket pair keeps the bytes queued in either direction and passes more"}
#include "tst.h"

#include <sys/socket.h>

int main(void) {
  tst_begin();
  int pair[2];
  char text[32] = {0};
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  tst_sys(write(pair[0], "to the right ", 13));
  tst_sys(write(pair[0], "twice", 5));
  tst_sys(write(pair[1], "to the left", 11));
  tst_ready();
  TST_SPOIL tst_sys(read(pair[1], text, 1));
  tst_check(read(pair[1], text, 31) == 18 && !strcmp(text, "to the right twice"), "to the right: %s", text);
  memset(text, 0, sizeof(text));
  tst_check(read(pair[0], text, 31) == 11 && !strcmp(text, "to the left"), "to the left: %s", text);
  tst_sys(write(pair[0], "new", 3));
  tst_check(read(pair[1], text, 31) == 3 && !memcmp(text, "new", 3), "new: %s", text);
  return tst_pass();
}
