// zdtm: {"category": "tcp", "verifies": "both ends of a connection were sent at once: data and ends reach both sides, over IPv6", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_closing(TCP_SIX);
}
