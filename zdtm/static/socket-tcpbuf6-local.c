// zdtm: {"category": "tcp", "notIn": {"uns": "SO_SNDBUFFORCE and SO_RCVBUFFORCE take CAP_NET_ADMIN of the first user namespace"}, "verifies": "full queues in both directions between two ends in the tree, in buffers of the program's sizes, over IPv6", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_buffers_within(TCP_SIX);
}
