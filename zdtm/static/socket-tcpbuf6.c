// zdtm: {"category": "tcp", "verifies": "tens of megabytes unread and unsent, in buffers of the program's sizes, over IPv6", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_buffers(TCP_SIX);
}
