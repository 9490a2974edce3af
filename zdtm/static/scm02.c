// zdtm: {"category": "sockets-unix", "verifies": "both ends of a pipe, in flight in a message each, still belong together"}
#include "scm.h"

int main(void) {
  tst_begin();
  int pair[2], ends[2], reading[SCM_MOST], writing[SCM_MOST];
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  tst_sys(pipe(ends));
  tst_sys(write(ends[1], "held", 4));
  scm_send(pair[0], "one", &ends[0], 1);
  scm_send(pair[0], "two", &ends[1], 1);
  close(ends[0]);
  close(ends[1]);
  tst_ready();
  TST_SPOIL scm_take(pair[1], "one", reading);
  tst_check(scm_take(pair[1], "one", reading) == 1 && scm_take(pair[1], "two", writing) == 1, "a descriptor is lost");
  char text[8];
  tst_check(read(reading[0], text, 8) == 4 && !memcmp(text, "held", 4), "what the pipe held is lost");
  scm_flows(writing[0], reading[0]);
  return tst_pass();
}
