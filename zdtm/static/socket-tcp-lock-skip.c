// zdtm: {"category": "tcp", "verifies": "without a network lock of ours a quiet connection comes back all the same", "opts": ["--tcp-established"], "dumpOpts": ["--network-lock", "skip"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_talks(TCP_FOUR);
}
