// zdtm: {"category": "tcp", "verifies": "a connection that was reset gives what is unread, then the error, once; a refused call stays refused, an IPv6 socket that speaks IPv4", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_reseted(TCP_MAPPED);
}
