// zdtm: {"category": "tcp", "verifies": "both ends of a connection come back, with what is queued between them, over IPv6", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_talks_within(TCP_SIX);
}
