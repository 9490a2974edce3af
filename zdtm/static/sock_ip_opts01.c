// zdtm: {"category": "sockets-other", "verifies": "options of IP and IPv6 that nobody set stay as they usually are, and ones put to zero stay zero", "needs": ["net"]}
#include "sockopts.h"

#define IP_(name) SOCKOPT(SOL_IP, IP_##name, 0)
#define SIX(name) SOCKOPT(SOL_IPV6, IPV6_##name, 0)

static sockopt four[] = {IP_(TOS),     IP_(TTL),          IP_(RECVTTL),  IP_(RECVTOS),     IP_(PKTINFO),       IP_(RECVERR),
                         IP_(MTU_DISCOVER), IP_(FREEBIND), IP_(TRANSPARENT), IP_(MINTTL), IP_(MULTICAST_TTL), IP_(MULTICAST_LOOP)};
static sockopt six[] = {SIX(UNICAST_HOPS), SIX(MULTICAST_HOPS), SIX(MULTICAST_LOOP), SIX(RECVPKTINFO), SIX(TCLASS),
                        SIX(FREEBIND),     SIX(V6ONLY),         SIX(MTU_DISCOVER),   SIX(RECVERR)};
static const sockopt zero_four[] = {IP_(MULTICAST_TTL), IP_(MULTICAST_LOOP), IP_(MTU_DISCOVER), IP_(PKTINFO)};
static const sockopt zero_six[] = {SIX(MULTICAST_HOPS), SIX(MULTICAST_LOOP), SIX(UNICAST_HOPS), SIX(FREEBIND)};

int main(void) {
  tst_begin();
  int u4 = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)), r4 = tst_sys(socket(AF_INET, SOCK_RAW, 253)),
      u6 = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0)), r6 = tst_sys(socket(AF_INET6, SOCK_RAW, 253)),
      z4 = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)), z6 = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0));
  inet_set(z4, SOL_IP, IP_PKTINFO, 1);
  inet_set(z6, SOL_IPV6, IPV6_FREEBIND, 1);
  sockopts_set(z4, zero_four, COUNT(zero_four));
  sockopts_set(z6, zero_six, COUNT(zero_six));
  sockopts_usual(u4, four, COUNT(four));
  sockopts_usual(u6, six, COUNT(six));
  tst_ready();
  TST_SPOIL inet_set(z6, SOL_IPV6, IPV6_MULTICAST_HOPS, 1);
  sockopts_check(u4, "IPv4", four, COUNT(four));
  sockopts_check(r4, "the raw socket of IPv4", four, COUNT(four));
  sockopts_check(u6, "IPv6", six, COUNT(six));
  sockopts_check(r6, "the raw socket of IPv6", six, COUNT(six) - 3); /* the last three it has otherwise */
  sockopts_check(z4, "IPv4 at zero", zero_four, COUNT(zero_four));
  sockopts_check(z6, "IPv6 at zero", zero_six, COUNT(zero_six));
  return tst_pass();
}
