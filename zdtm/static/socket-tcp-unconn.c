// zdtm: {"category": "tcp", "verifies": "TCP sockets that are bound only can listen or connect from there afterwards"}
#include "inet.h"

int main(void) {
  tst_begin();
  inet_name listening, calling, from;
  socklen_t length = sizeof(from);
  int listener = inet_bound(AF_INET, SOCK_STREAM, &listening), caller = inet_bound(AF_INET, SOCK_STREAM, &calling);
  tst_ready();
  TST_SPOIL calling.four.sin_port ^= 1;
  tst_sys(listen(listener, 4));
  tst_sys(connect(caller, &listening.any, sizeof(listening.four)));
  int server = tst_sys(accept(listener, &from.any, &length));
  tst_check(from.four.sin_port == calling.four.sin_port, "the call comes from port %d", ntohs(from.four.sin_port));
  char byte;
  tst_sys(send(caller, "x", 1, 0));
  tst_check(recv(server, &byte, 1, 0) == 1, "nothing comes");
  return tst_pass();
}
