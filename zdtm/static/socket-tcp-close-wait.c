// zdtm: {"category": "tcp", "verifies": "the other end of a connection is done: what it sent is read, then the end, and ours goes on", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_close_wait(TCP_FOUR);
}
