// zdtm: {"category": "tcp", "verifies": "connections that are over stay so, with what is unread; they call anew once they are dissolved, an IPv6 socket that speaks IPv4", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_closed(TCP_MAPPED);
}
