// zdtm: {"category": "tcp", "flavours": ["h"], "verifies": "restore --tcp-close brings a connection back closed, whatever was in it", "dumpOpts": ["--tcp-established"], "restoreOpts": ["--tcp-close"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_is_closed();
}
