// zdtm: {"category": "tcp", "verifies": "data that flows to somebody outside and back without a pause arrives whole and in order, over IPv6", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  return tcp_streams(TCP_SIX);
}
