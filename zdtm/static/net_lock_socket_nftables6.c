// zdtm: {"flavours": ["h"], "category": "net-lock", "verifies": "what comes for a connection over IPv6 while nobody is there is held back, not answered by a reset", "opts": ["--tcp-established"], "dumpOpts": ["--network-lock", "nftables"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_ticks(TCP_SIX);
}
