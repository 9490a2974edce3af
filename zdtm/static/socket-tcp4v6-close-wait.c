// zdtm: {"category": "tcp", "verifies": "the other end of a connection is done: what it sent is read, then the end, and ours goes on, an IPv6 socket that speaks IPv4", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_close_wait(TCP_MAPPED);
}
