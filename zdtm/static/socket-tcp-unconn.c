// zdtm: {"category": "tcp", "verifies": "sockets that are bound only, or fresh, can listen or connect afterwards", "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_unconn(TCP_FOUR);
}
