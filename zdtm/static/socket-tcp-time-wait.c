// zdtm: {"category": "tcp", "verifies": "a listener whose address may not be used again comes back beside the remains of connections that it ended"}
#include "tcp.h"

int main(void) {
  tst_begin();
  inet_name names[2];
  int listeners[2];
  for (int i = 0; i < 2; i++) {
    listeners[i] = tcp_bound(i ? TCP_SIX : TCP_FOUR, &names[i]);
    tst_sys(listen(listeners[i], 8));
    int client = tcp_call(&names[i]), server = tst_sys(accept(listeners[i], NULL, NULL));
    tst_sys(shutdown(server, SHUT_WR));
    tcp_becomes(client, TCP_CLOSE_WAIT);
    close(client);
    tcp_becomes(server, TCP_CLOSE);
    close(server);
  }
  tst_ready();
  TST_SPOIL close(listeners[1]);
  for (int i = 0; i < 2; i++) inet_serves(listeners[i], &names[i]);
  return tst_pass();
}
