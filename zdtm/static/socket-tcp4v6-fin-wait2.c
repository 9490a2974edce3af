// zdtm: {"category": "tcp", "verifies": "our end of a connection was acknowledged; what the other one sends is read, an IPv6 socket that speaks IPv4", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_fin_wait2(TCP_MAPPED);
}
