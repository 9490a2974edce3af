// zdtm: {"category": "tcp", "verifies": "both ends of a connection come back, with what is queued between them", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_talks_within(TCP_FOUR);
}
