// zdtm: {"category": "sockets-other", "verifies": "options of IP and IPv6 that were set stay set, on UDP, UDP-Lite and raw sockets", "needs": ["net"]}
#include "sockopts.h"

#include <netinet/udp.h>

#define IP_(name, value) SOCKOPT(SOL_IP, IP_##name, value)
#define SIX(name, value) SOCKOPT(SOL_IPV6, IPV6_##name, value)

static const sockopt four[] = {
    IP_(TOS, 0x48),        IP_(TTL, 33),           IP_(RECVTTL, 1),   IP_(RECVTOS, 1),        IP_(RECVOPTS, 1),
    IP_(RETOPTS, 1),       IP_(PKTINFO, 1),        IP_(RECVERR, 1),   IP_(MTU_DISCOVER, 2),   IP_(FREEBIND, 1),
    IP_(TRANSPARENT, 1),   IP_(RECVORIGDSTADDR, 1), IP_(MINTTL, 7),   IP_(MULTICAST_TTL, 9),  IP_(MULTICAST_LOOP, 0),
    IP_(MULTICAST_ALL, 0), IP_(PASSSEC, 1),        IP_(BIND_ADDRESS_NO_PORT, 1), IP_(RECVFRAGSIZE, 1),
    IP_(RECVERR_RFC4884, 1)};
static const sockopt raw_four[] = {IP_(NODEFRAG, 1), IP_(HDRINCL, 1), IP_(TOS, 0x10), IP_(FREEBIND, 1)};
static const sockopt six[] = {
    SIX(UNICAST_HOPS, 5),   SIX(MULTICAST_HOPS, 6), SIX(MULTICAST_LOOP, 0), SIX(MTU_DISCOVER, 3), SIX(RECVERR, 1),
    SIX(RECVPKTINFO, 1),    SIX(RECVHOPLIMIT, 1),   SIX(RECVHOPOPTS, 1),    SIX(RECVRTHDR, 1),    SIX(RECVDSTOPTS, 1),
    SIX(RECVPATHMTU, 1),    SIX(DONTFRAG, 1),       SIX(RECVTCLASS, 1),     SIX(TCLASS, 0x20),    SIX(AUTOFLOWLABEL, 0),
    SIX(ADDR_PREFERENCES, 0x402), SIX(MINHOPCOUNT, 3),  SIX(RECVORIGDSTADDR, 1), SIX(TRANSPARENT, 1), SIX(FREEBIND, 1),
    SIX(RECVFRAGSIZE, 1),   SIX(MULTICAST_ALL, 0), SIX(RECVERR_RFC4884, 1), SIX(V6ONLY, 1),      SIX(MULTICAST_IF, 1)};
/* What a socket of IPv6 does with packets of IPv4. */
static const sockopt mapped[] = {IP_(TOS, 0x20), IP_(TTL, 44), IP_(RECVTTL, 1), IP_(PKTINFO, 1)};
static const sockopt raw_six[] = {SIX(CHECKSUM, 6), SIX(TCLASS, 0x30), SIX(HDRINCL, 1)};
static const sockopt udp[] = {SOCKOPT(SOL_UDP, UDP_CORK, 1), SOCKOPT(SOL_UDP, UDP_SEGMENT, 1200), SOCKOPT(SOL_UDP, UDP_GRO, 1)};
static const sockopt udp_six[] = {SOCKOPT(SOL_UDP, UDP_NO_CHECK6_TX, 1), SOCKOPT(SOL_UDP, UDP_NO_CHECK6_RX, 1)};

int main(void) {
  tst_begin();
  static const uint8_t route[] = {131, 7, 4, 127, 0, 0, 1, 0}, pad[8] = {17, 0, 1, 4};
  uint8_t is[64] = {0};
  struct in_addr through = {htonl(INADDR_LOOPBACK)};
  struct ip_mreqn way = {.imr_address = through};
  socklen_t length = sizeof(is);
  int u4 = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)), u6 = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0)),
      m6 = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0)), r4 = tst_sys(socket(AF_INET, SOCK_RAW, 253)),
      r6 = tst_sys(socket(AF_INET6, SOCK_RAW, 253));
  sockopts_set(u4, four, COUNT(four));
  sockopts_set(u4, udp, COUNT(udp));
  sockopts_set(u6, six, COUNT(six));
  sockopts_set(u6, udp_six, COUNT(udp_six));
  sockopts_set(m6, mapped, COUNT(mapped));
  sockopts_set(r4, raw_four, COUNT(raw_four));
  sockopts_set(r6, raw_six, COUNT(raw_six));
  tst_sys(setsockopt(u4, SOL_IP, IP_OPTIONS, route, sizeof(route)));
  tst_sys(setsockopt(u4, SOL_IP, IP_MULTICAST_IF, &way, sizeof(way)));
  tst_sys(setsockopt(u6, SOL_IPV6, IPV6_HOPOPTS, pad, sizeof(pad)));
  tst_ready();
  TST_SPOIL inet_set(r6, SOL_IPV6, IPV6_CHECKSUM, -1);
  sockopts_check(u4, "IPv4", four, COUNT(four));
  sockopts_check(u4, "IPv4", udp, COUNT(udp));
  sockopts_check(u6, "IPv6", six, COUNT(six));
  sockopts_check(u6, "IPv6", udp_six, COUNT(udp_six));
  sockopts_check(m6, "IPv4 in IPv6", mapped, COUNT(mapped));
  sockopts_check(r4, "the raw socket of IPv4", raw_four, COUNT(raw_four));
  sockopts_check(r6, "the raw socket of IPv6", raw_six, COUNT(raw_six));
  tst_sys(getsockopt(u4, SOL_IP, IP_OPTIONS, is, &length));
  tst_check(length == sizeof(route) && !memcmp(is, route, length), "the route of packets is another, %u bytes", length);
  length = 4;
  tst_sys(getsockopt(u4, SOL_IP, IP_MULTICAST_IF, is, &length));
  tst_check(!memcmp(is, &through, 4), "multicast goes another way");
  length = sizeof(is);
  tst_sys(getsockopt(u6, SOL_IPV6, IPV6_HOPOPTS, is, &length));
  tst_check(length == sizeof(pad) && !memcmp(is + 2, pad + 2, 2), "the hop-by-hop options are others, %u bytes", length);
  return tst_pass();
}
