// zdtm: {"category": "sockets-other", "verifies": "what sockets of IPv6 cut their datagrams to and the anycast addresses that they have stay, though the kernel does not tell them", "needs": ["net", "file:/sys/kernel/btf/vmlinux"]}
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

/* Is it an anycast address of an interface? */
static bool answers(const char *hex) {
  char *all = tst_slurp("/proc/net/anycast6", NULL);
  bool is = strstr(all, hex) != NULL;
  free(all);
  return is;
}

int main(void) {
  tst_begin();
  inet_name to;
  int hears = inet_bound(AF_INET6, SOCK_DGRAM, &to), cuts = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0));
  struct ipv6_mreq any = {.ipv6mr_interface = if_nametoindex("lo")};
  int has = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0));
  /* only who has a prefix takes part in it */
  struct {
    struct in6_addr address;
    uint32_t bits;
    unsigned index;
  } own = {.bits = 64, .index = any.ipv6mr_interface};
  tst_check(inet_pton(AF_INET6, "fd77::77", &own.address) == 1, "no address");
  tst_sys(ioctl(hears, SIOCSIFADDR, &own));
  for (int i = 1; i <= 2; i++) {
    tst_check(inet_pton(AF_INET6, i == 1 ? "fd77::a1" : "fd77::a2", &any.ipv6mr_multiaddr) == 1, "no address");
    tst_sys(setsockopt(has, SOL_IPV6, IPV6_JOIN_ANYCAST, &any, sizeof(any)));
  }
  struct ifreq loopback = {.ifr_name = "lo", .ifr_mtu = 1500};
  tst_sys(ioctl(hears, SIOCSIFMTU, &loopback));
  inet_set(cuts, SOL_IPV6, IPV6_MTU, 1300);
  tst_check(longest(cuts, &to) <= 1300, "nothing is cut");
  char text[4000];
  while (recv(hears, text, sizeof(text), MSG_DONTWAIT) > 0);
  tst_ready();
  TST_SPOIL inet_set(cuts, SOL_IPV6, IPV6_MTU, 1400);
  tst_check(answers("fd7700000000000000000000000000a1") && answers("fd7700000000000000000000000000a2"), "the anycast addresses are gone");
  tst_sys(setsockopt(has, SOL_IPV6, IPV6_LEAVE_ANYCAST, &any, sizeof(any)));
  tst_check(!answers("fd7700000000000000000000000000a2"), "the anycast address is somebody else's");
  size_t most = longest(cuts, &to);
  tst_check(most <= 1300 && most > 1200, "pieces have %zu bytes", most);
  return tst_pass();
}
