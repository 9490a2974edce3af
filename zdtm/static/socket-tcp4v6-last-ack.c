// zdtm: {"category": "tcp", "verifies": "both ends of a connection are done and ours was not acknowledged: all reaches the other one, data before it, an IPv6 socket that speaks IPv4", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_last_ack(TCP_MAPPED);
}
