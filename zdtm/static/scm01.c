// zdtm: {"category": "sockets-unix", "verifies": "a pipe's end in flight that its sender still has is one description with it"}
#include "scm.h"

int main(void) {
  tst_begin();
  int pair[2], ends[2], got[SCM_MOST];
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  tst_sys(pipe(ends));
  scm_send(pair[0], "m", &ends[0], 1);
  tst_ready();
  TST_SPOIL {
    close(ends[0]);
    ends[0] = tst_sys(open("/dev/null", O_RDONLY));
  }
  tst_check(scm_take(pair[1], "m", got) == 1, "the descriptor is lost");
  tst_sys(fcntl(got[0], F_SETFL, O_NONBLOCK));
  tst_check(fcntl(ends[0], F_GETFL) & O_NONBLOCK, "the two are two descriptions");
  scm_flows(ends[1], got[0]);
  scm_flows(ends[1], ends[0]);
  return tst_pass();
}
