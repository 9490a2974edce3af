// zdtm: {"category": "sockets-unix", "verifies": "descriptors of two control messages in one send arrive together"}
#include "scm.h"

int main(void) {
  tst_begin();
  int pair[2], ends[2], got[SCM_MOST];
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  tst_sys(pipe(ends));
  scm_send_to(pair[0], NULL, 0, "both", ends, 2, 1);
  close(ends[0]);
  close(ends[1]);
  tst_ready();
  TST_SPOIL tst_sys(shutdown(pair[1], SHUT_RD)), scm_take(pair[1], "both", got);
  tst_check(scm_take(pair[1], "both", got) == 2, "a descriptor is lost");
  scm_flows(got[1], got[0]);
  return tst_pass();
}
