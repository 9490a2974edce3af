// zdtm: {"category": "tcp", "verifies": "a connection that was reset gives what is unread, then the error, once; a refused call stays refused, over IPv6", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_reseted(TCP_SIX);
}
