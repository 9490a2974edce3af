// zdtm: {"category": "sockets-unix", "verifies": "a pipe's end in flight whose sending socket is closed can be received"}
#include "scm.h"

int main(void) {
  tst_begin();
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  int pairs[3][2], ends[2], got[SCM_MOST];
  tst_sys(pipe(ends));
  for (int i = 0; i < 3; i++) {
    tst_sys(socketpair(AF_UNIX, types[i], 0, pairs[i]));
    scm_send(pairs[i][0], "m", &ends[0], 1);
    close(pairs[i][0]);
  }
  close(ends[0]);
  tst_ready();
  TST_SPOIL scm_take(pairs[1][1], "m", got);
  for (int i = 0; i < 3; i++) {
    tst_check(scm_take(pairs[i][1], "m", got) == 1, "type %d: the descriptor is lost", types[i]);
    scm_flows(ends[1], got[0]);
  }
  return tst_pass();
}
