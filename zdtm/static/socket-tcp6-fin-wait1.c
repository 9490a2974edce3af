// zdtm: {"category": "tcp", "verifies": "our end of a connection goes behind what was not sent, or again when nobody acknowledged it; theirs is open, over IPv6", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_fin_wait1(TCP_SIX);
}
