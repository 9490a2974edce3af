// zdtm: {"category": "tcp", "verifies": "a connection between link-local addresses stays on its interface, half of it ended; a listener bound to a device stays there", "opts": ["--tcp-established"], "needs": ["root"]}
#include "tcp.h"

#include <ifaddrs.h>
#include <net/if.h>

static bool link_local(inet_name *name) {
  struct ifaddrs *all, *at;
  bool found = false;
  tst_sys(getifaddrs(&all));
  for (at = all; at && !found; at = at->ifa_next) {
    if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET6 || !(at->ifa_flags & IFF_UP)) continue;
    memcpy(&name->six, at->ifa_addr, sizeof(name->six));
    found = IN6_IS_ADDR_LINKLOCAL(&name->six.sin6_addr);
  }
  freeifaddrs(all);
  return found;
}

int main(void) {
  tst_begin();
  inet_name name = {0}, now = {0}, bound = inet_loopback(AF_INET);
  socklen_t length = sizeof(name.six);
  if (!link_local(&name)) tst_skip("no interface has a link-local address");
  int listener = tst_sys(socket(AF_INET6, SOCK_STREAM, 0)), device = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  if (bind(listener, &name.any, length)) tst_skip("the link-local address cannot be bound");
  tst_sys(getsockname(listener, &name.any, &length));
  tst_sys(listen(listener, 4));
  int client = tcp_call(&name), server = tst_sys(accept(listener, NULL, NULL));
  tcp_send(client, "unread");
  tst_sys(shutdown(client, SHUT_WR));
  tcp_becomes(client, TCP_FIN_WAIT2);
  tst_sys(setsockopt(device, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
  length = sizeof(bound.four);
  tst_sys(bind(device, &bound.any, length));
  tst_sys(getsockname(device, &bound.any, &length));
  tst_sys(listen(device, 4));
  int caller = tcp_call(&bound), accepted = tst_sys(accept(device, NULL, NULL));
  tcp_send(caller, "on lo");
  tst_sys(shutdown(caller, SHUT_WR));
  tcp_becomes(caller, TCP_FIN_WAIT2);
  tst_ready();
  TST_SPOIL tcp_expect(server, "un");
  length = sizeof(now.six);
  tst_sys(getpeername(client, &now.any, &length));
  tst_check(now.six.sin6_scope_id == name.six.sin6_scope_id, "the interface is %u", now.six.sin6_scope_id);
  tcp_expect(server, "unread");
  tcp_expect_end(server);
  tcp_send(server, "answer");
  tcp_expect(client, "answer");
  tcp_expect(accepted, "on lo");
  tcp_expect_end(accepted);
  char word[16] = {0};
  length = sizeof(word);
  tst_sys(getsockopt(accepted, SOL_SOCKET, SO_BINDTODEVICE, word, &length));
  tst_check(!strcmp(word, "lo"), "the connection is bound to \"%s\"", word);
  return tst_pass();
}
