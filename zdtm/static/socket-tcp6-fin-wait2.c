// zdtm: {"category": "tcp", "verifies": "our end of a connection was acknowledged; what the other one sends is read, over IPv6", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_fin_wait2(TCP_SIX);
}
