// zdtm: {"category": "sockets-unix", "verifies": "the reading end of a pipe that is in flight in a socket's queue can be received and used"}
#include "scm.h"

int main(void) {
  tst_begin();
  int pair[2], ends[2], got[SCM_MOST];
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  tst_sys(pipe(ends));
  scm_send(pair[0], "m", &ends[0], 1);
  close(ends[0]);
  tst_ready();
  TST_SPOIL scm_take(pair[1], "m", got);
  tst_check(scm_take(pair[1], "m", got) == 1, "the descriptor is lost");
  scm_flows(ends[1], got[0]);
  return tst_pass();
}
