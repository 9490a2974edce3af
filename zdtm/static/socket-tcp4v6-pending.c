// zdtm: {"category": "tcp", "verifies": "connections that wait to be accepted wait again, in order, with their data, ends and resets, at an IPv6 socket that IPv4 clients call", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_pending(TCP_MAPPED, 0);
}
