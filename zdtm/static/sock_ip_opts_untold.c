// zdtm: {"category": "sockets-other", "verifies": "what sockets of IPv6 cut their datagrams to stays, though the kernel does not tell it", "needs": ["net", "file:/sys/kernel/btf/vmlinux"]}
#include "inet.h"

#include <net/if.h>
#include <sys/ioctl.h>

/* Bytes of the longest piece in which a datagram leaves. */
static size_t longest(int fd, const inet_name *to) {
  static char text[4000];
  size_t most = 0;
  int sniffs = tst_sys(socket(AF_PACKET, SOCK_DGRAM, htons(0x86dd)));
  tst_sys(sendto(fd, text, 3000, 0, &to->any, sizeof(to->six)));
  for (ssize_t size; (size = recv(sniffs, text, sizeof(text), MSG_DONTWAIT)) > 0;)
    if ((size_t)size > most) most = (size_t)size;
  close(sniffs);
  return most;
}

int main(void) {
  tst_begin();
  inet_name to;
  int hears = inet_bound(AF_INET6, SOCK_DGRAM, &to), cuts = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0));
  struct ifreq loopback = {.ifr_name = "lo", .ifr_mtu = 1500};
  tst_sys(ioctl(hears, SIOCSIFMTU, &loopback));
  inet_set(cuts, SOL_IPV6, IPV6_MTU, 1300);
  tst_check(longest(cuts, &to) <= 1300, "nothing is cut");
  char text[4000];
  while (recv(hears, text, sizeof(text), MSG_DONTWAIT) > 0);
  tst_ready();
  TST_SPOIL inet_set(cuts, SOL_IPV6, IPV6_MTU, 1400);
  size_t most = longest(cuts, &to);
  tst_check(most <= 1300 && most > 1200, "pieces have %zu bytes", most);
  return tst_pass();
}
