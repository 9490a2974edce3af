// zdtm: {"category": "tcp", "verifies": "keep-alive of a connection, its times and its count stay, also when it is off", "opts": ["--tcp-established"]}
#include "sockopts.h"
#include "tcp.h"

#define TCP_(name, value) SOCKOPT(IPPROTO_TCP, TCP_##name, value)
static const sockopt on[] = {SOCKOPT(SOL_SOCKET, SO_KEEPALIVE, 1), TCP_(KEEPIDLE, 500), TCP_(KEEPINTVL, 20), TCP_(KEEPCNT, 7)};
static const sockopt off[] = {SOCKOPT(SOL_SOCKET, SO_KEEPALIVE, 0), TCP_(KEEPIDLE, 40), TCP_(KEEPINTVL, 3), TCP_(KEEPCNT, 2)};

int main(void) {
  tst_begin();
  tcp_pair pair = tcp_connect(TCP_FOUR);
  sockopts_set(pair.client, on, COUNT(on));
  sockopts_set(pair.server, off, COUNT(off));
  tst_ready();
  TST_SPOIL inet_set(pair.client, SOL_SOCKET, SO_KEEPALIVE, 0);
  sockopts_check(pair.client, "the client", on, COUNT(on));
  sockopts_check(pair.server, "the server", off, COUNT(off));
  return tst_pass();
}
