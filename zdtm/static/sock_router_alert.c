// zdtm: {"category": "sockets-other", "verifies": "a raw IPv6 socket that wants packets with a router alert is told of", "needs": ["net", "file:/sys/kernel/btf/vmlinux"], "refused": "has a router alert \\(IPV6_ROUTER_ALERT\\) whose value nobody can read"}
#include "inet.h"

int main(void) {
  tst_begin();
  int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW), plain = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
  if (fd < 0 && errno == EAFNOSUPPORT) tst_skip("there is no IPv6");
  if (fd < 0 || plain < 0) tst_die("socket");
  inet_set(fd, SOL_IPV6, IPV6_ROUTER_ALERT, 0);
  tst_ready();
  int value = 1;
  tst_check(setsockopt(fd, SOL_IPV6, IPV6_ROUTER_ALERT, &value, sizeof(value)) && errno == EADDRINUSE, "it is gone");
  inet_set(plain, SOL_IPV6, IPV6_ROUTER_ALERT, 1);
  return tst_pass();
}
