// zdtm: {"category": "sockets-unix", "verifies": "two descriptors in one control message arrive together and in their order"}
#include "scm.h"

#ifndef TYPE
#define TYPE SOCK_DGRAM
#endif

int main(void) {
  tst_begin();
  int pair[2], ends[2], got[SCM_MOST];
  tst_sys(socketpair(AF_UNIX, TYPE, 0, pair));
  tst_sys(pipe(ends));
  scm_send_to(pair[0], NULL, 0, "both", ends, 1, 2);
  close(ends[0]);
  close(ends[1]);
  tst_ready();
  TST_SPOIL tst_sys(shutdown(pair[1], SHUT_RD)), scm_take(pair[1], "both", got);
  tst_check(scm_take(pair[1], "both", got) == 2, "a descriptor is lost");
  scm_flows(got[1], got[0]);
  return tst_pass();
}
