// zdtm: {"category": "tcp", "verifies": "a connection to somebody outside of the tree passes data both ways", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_talks(TCP_FOUR);
}
