// zdtm: {"category": "tcp", "verifies": "a call that nobody has answered yet is answered, or refused; a process that waits in connect goes on, over IPv6", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_syn_sent(TCP_SIX);
}
