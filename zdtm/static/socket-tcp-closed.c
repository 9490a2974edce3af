// zdtm: {"category": "tcp", "verifies": "connections that are over stay so, with what is unread; they call anew once they are dissolved", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_closed(TCP_FOUR);
}
