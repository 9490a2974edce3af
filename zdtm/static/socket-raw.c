// zdtm: {"category": "sockets-other", "verifies": "raw sockets of IPv4 and IPv6 keep their addresses, peers and ICMP filters, and carry packets", "needs": ["net"]}
#include "sockopts.h"

#include <linux/icmp.h>
#include <netinet/icmp6.h>

#define PROTOCOL 253 /* for experiments */

/* What came, without the header of IPv4; -1 when nothing did. */
static ssize_t take(int fd, int family, char *text, size_t size) {
  char packet[256];
  ssize_t got = recv(fd, packet, sizeof(packet), MSG_DONTWAIT), head = family == AF_INET ? 20 : 0;
  if (got < head) return -1;
  memcpy(text, packet + head, (size_t)(got - head) < size ? (size_t)(got - head) : size);
  return got - head;
}

int main(void) {
  tst_begin();
  static const int families[] = {AF_INET, AF_INET6};
  int bound[2], connected[2], any[2];
  char text[64] = "";
  for (int i = 0; i < 2; i++) {
    inet_name name = inet_loopback(families[i]);
    bound[i] = tst_sys(socket(families[i], SOCK_RAW, PROTOCOL));
    connected[i] = tst_sys(socket(families[i], SOCK_RAW, PROTOCOL));
    any[i] = tst_sys(socket(families[i], SOCK_RAW, PROTOCOL + 1));
    tst_sys(bind(bound[i], &name.any, inet_length(families[i])));
    tst_sys(connect(connected[i], &name.any, inet_length(families[i]))); /* a peer without a port */
  }
  struct icmp_filter hears = {~(1u << ICMP_ECHOREPLY)};
  struct icmp6_filter hears6;
  ICMP6_FILTER_SETBLOCKALL(&hears6);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &hears6);
  int ping = tst_sys(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)), ping6 = tst_sys(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)),
      headers = tst_sys(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
  tst_sys(setsockopt(ping, SOL_RAW, ICMP_FILTER, &hears, sizeof(hears)));
  tst_sys(setsockopt(ping6, SOL_ICMPV6, ICMP6_FILTER, &hears6, sizeof(hears6)));
  tst_ready();
  TST_SPOIL tst_sys(setsockopt(ping, SOL_RAW, ICMP_FILTER, &(struct icmp_filter){0}, sizeof(hears)));
  for (int i = 0; i < 2; i++) {
    int family = families[i];
    inet_name is = {0}, name = inet_loopback(family);
    socklen_t length = sizeof(is);
    tst_sys(getsockname(bound[i], &is.any, &length));
    if (family == AF_INET) tst_check(is.four.sin_addr.s_addr == name.four.sin_addr.s_addr, "it is bound elsewhere");
    else tst_check(IN6_ARE_ADDR_EQUAL(&is.six.sin6_addr, &name.six.sin6_addr), "it is bound elsewhere");
    if (send(connected[i], "raw", 3, 0) != 3) tst_die("the connected socket of family %d has no peer", family);
    tst_check(take(bound[i], family, text, 64) == 3 && !memcmp(text, "raw", 3), "family %d: the packet is lost", family);
    tst_check(take(connected[i], family, text, 64) == 3, "family %d: the connected one is not of the protocol", family);
    tst_check(take(any[i], family, text, 64) == -1, "family %d: another protocol hears it", family);
    tst_check(send(any[i], "x", 1, 0) == -1 && errno == EDESTADDRREQ,
              "family %d: the free socket has a peer", family);
  }
  struct icmp_filter is = {0};
  struct icmp6_filter is6;
  socklen_t length = sizeof(is);
  tst_sys(getsockopt(ping, SOL_RAW, ICMP_FILTER, &is, &length));
  tst_check(is.data == hears.data, "the filter of ICMP is %x", is.data);
  length = sizeof(is6);
  tst_sys(getsockopt(ping6, SOL_ICMPV6, ICMP6_FILTER, &is6, &length));
  tst_check(!memcmp(&is6, &hears6, sizeof(is6)), "the filter of ICMPv6 is another");
  tst_check(inet_option(headers, SOL_IP, IP_HDRINCL) == 1, "headers are not the program's own any more");
  struct icmphdr echo = {.type = ICMP_ECHO, .checksum = htons((uint16_t)~0x0800)};
  inet_name to = inet_loopback(AF_INET);
  tst_sys(sendto(ping, &echo, sizeof(echo), 0, &to.any, sizeof(to.four)));
  tst_check(take(ping, AF_INET, text, 64) == sizeof(echo) && text[0] == ICMP_ECHOREPLY, "no echo comes back");
  tst_check(take(ping, AF_INET, text, 64) == -1, "the question is heard as well");
  return tst_pass();
}
