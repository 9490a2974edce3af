// zdtm: {"category": "tcp", "verifies": "full queues in both directions between two ends in the tree, in buffers of the program's sizes, over IPv6", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_buffers_within(TCP_SIX);
}
