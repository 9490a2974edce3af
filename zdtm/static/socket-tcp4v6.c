// zdtm: {"category": "tcp", "verifies": "a connection to somebody outside of the tree passes data both ways, an IPv6 socket that speaks IPv4", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_talks(TCP_MAPPED);
}
