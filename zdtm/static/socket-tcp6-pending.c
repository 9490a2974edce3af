// zdtm: {"category": "tcp", "verifies": "connections that wait to be accepted wait again, in order, with their data, ends and resets, over IPv6", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_pending(TCP_SIX, 0);
}
