// zdtm: {"category": "tcp", "flavours": ["h"], "verifies": "dump --tcp-close saves a connection as a closed socket", "opts": ["--tcp-close"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_is_closed();
}
