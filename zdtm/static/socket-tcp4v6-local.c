// zdtm: {"category": "tcp", "verifies": "both ends of a connection come back, with what is queued between them, an IPv6 socket that speaks IPv4", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_talks_within(TCP_MAPPED);
}
