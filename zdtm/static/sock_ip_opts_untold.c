// zdtm: {"category": "sockets-other", "verifies": "what sockets of IPv6 cut their datagrams to, where they leave, the anycast addresses that they have, and policies of IPsec stay, though the kernel does not tell them", "needs": ["net", "file:/sys/kernel/btf/vmlinux"]}
#include "inet.h"

#include <linux/ipv6.h>
#include <linux/xfrm.h>
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

/* Nothing that the socket sends may leave. */
static void forbid(int fd, int family) {
  struct xfrm_userpolicy_info policy = {.sel.family = family, .dir = XFRM_POLICY_OUT, .action = XFRM_POLICY_BLOCK};
  policy.lft.soft_byte_limit = policy.lft.hard_byte_limit = XFRM_INF;
  policy.lft.soft_packet_limit = policy.lft.hard_packet_limit = XFRM_INF;
  int level = family == AF_INET ? SOL_IP : SOL_IPV6, name = family == AF_INET ? IP_XFRM_POLICY : IPV6_XFRM_POLICY;
  if (setsockopt(fd, level, name, &policy, sizeof(policy)) && errno == ENOPROTOOPT) tst_skip("this kernel has no IPsec");
  policy.dir = XFRM_POLICY_IN;
  policy.action = XFRM_POLICY_ALLOW;
  tst_sys(setsockopt(fd, level, name, &policy, sizeof(policy)));
}

/* Where a socket sends to, from nowhere: the error. */
static int refused(int fd, const inet_name *to) {
  return sendto(fd, "x", 1, 0, &to->any, inet_length(to->any.sa_family)) == 1 ? 0 : errno;
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
  /* no interface has this number: nothing gets there */
  int leaves = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0));
  struct in6_pktinfo by = {.ipi6_ifindex = 12345};
  tst_sys(setsockopt(leaves, SOL_IPV6, IPV6_PKTINFO, &by, sizeof(by)));
  tst_check(refused(leaves, &to) == ENETUNREACH, "it gets there: %d", refused(leaves, &to));
  inet_name four;
  int hears4 = inet_bound(AF_INET, SOCK_DGRAM, &four);
  int held = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0)), held4 = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  forbid(held, AF_INET6);
  forbid(held4, AF_INET);
  tst_check(refused(held, &to) == EPERM && refused(held4, &four) == EPERM, "the policy has no effect");
  char text[4000];
  while (recv(hears, text, sizeof(text), MSG_DONTWAIT) > 0);
  tst_ready();
  TST_SPOIL inet_set(cuts, SOL_IPV6, IPV6_MTU, 1400);
  tst_check(answers("fd7700000000000000000000000000a1") && answers("fd7700000000000000000000000000a2"), "the anycast addresses are gone");
  tst_sys(setsockopt(has, SOL_IPV6, IPV6_LEAVE_ANYCAST, &any, sizeof(any)));
  tst_check(!answers("fd7700000000000000000000000000a2"), "the anycast address is somebody else's");
  tst_check(refused(leaves, &to) == ENETUNREACH, "it leaves from elsewhere");
  tst_check(refused(held, &to) == EPERM && refused(held4, &four) == EPERM, "the policies are gone");
  tst_check(refused(hears, &to) == 0 && refused(hears4, &four) == 0, "others have a policy");
  size_t most = longest(cuts, &to);
  tst_check(most <= 1300 && most > 1200, "pieces have %zu bytes", most);
  return tst_pass();
}
