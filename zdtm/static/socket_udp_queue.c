// zdtm: {"category": "sockets-inet", "notIn": {"uns": "SO_SNDBUFFORCE and SO_RCVBUFFORCE take CAP_NET_ADMIN of the first user namespace"}, "verifies": "datagrams that wait in UDP sockets stay, in their order, with their senders and what they tell: TTL, service, destination", "needs": ["net"]}
#include "inet.h"

#include <netinet/udp.h>

#define MOST 60000
static char text[MOST];

typedef struct {
  int family, kind, size; /* family of what is sent; kind 0: a socket of that family, 1: one of IPv6 that hears IPv4 */
} datagram;

static const datagram table[] = {{AF_INET, 0, 5}, {AF_INET, 0, 0}, {AF_INET, 0, MOST}, {AF_INET, 0, 1}, {AF_INET6, 0, 7},
                                 {AF_INET6, 0, 0}, {AF_INET6, 0, 50001}, {AF_INET6, 1, 4}, {AF_INET, 1, 33}, {AF_INET6, 1, 1}};
enum { DATAGRAMS = sizeof(table) / sizeof(table[0]) };

static int hears[3]; /* IPv4, IPv6, both */
static int index_of(const datagram *it) { return it->kind ? 2 : it->family == AF_INET ? 0 : 1; }

typedef struct {
  inet_name from;
  ssize_t size;
  int hops, service;
  struct in_addr to;
  struct in6_addr to6;
  uint32_t interface;
} heard;

static heard take(int fd) {
  heard it = {.hops = -1, .service = -1};
  char room[512];
  struct iovec part = {text, sizeof(text)};
  struct msghdr head = {.msg_name = &it.from, .msg_namelen = sizeof(it.from), .msg_iov = &part, .msg_iovlen = 1,
                        .msg_control = room, .msg_controllen = sizeof(room)};
  it.size = recvmsg(fd, &head, MSG_DONTWAIT);
  if (it.size < 0) tst_die("a datagram is lost");
  for (struct cmsghdr *one = CMSG_FIRSTHDR(&head); one; one = CMSG_NXTHDR(&head, one)) {
    void *at = CMSG_DATA(one);
    if (one->cmsg_level == SOL_IP && one->cmsg_type == IP_TTL) it.hops = *(int *)at;
    if (one->cmsg_level == SOL_IP && one->cmsg_type == IP_TOS) it.service = *(uint8_t *)at;
    if (one->cmsg_level == SOL_IP && one->cmsg_type == IP_PKTINFO) it.to = ((struct in_pktinfo *)at)->ipi_addr, it.interface = (uint32_t)((struct in_pktinfo *)at)->ipi_ifindex;
    if (one->cmsg_level == SOL_IPV6 && one->cmsg_type == IPV6_HOPLIMIT) it.hops = *(int *)at;
    if (one->cmsg_level == SOL_IPV6 && one->cmsg_type == IPV6_TCLASS) it.service = *(int *)at;
    if (one->cmsg_level == SOL_IPV6 && one->cmsg_type == IPV6_PKTINFO) it.to6 = ((struct in6_pktinfo *)at)->ipi6_addr;
  }
  return it;
}

int main(void) {
  tst_begin();
  inet_name names[3], senders[2], name;
  socklen_t length = sizeof(names[0]);
  static const int families[] = {AF_INET, AF_INET6, AF_INET6};
  int sends[2], size = 1 << 20, on = 1;
  for (int i = 0; i < 3; i++) {
    memset(&names[i], 0, sizeof(names[i]));
    names[i].any.sa_family = (sa_family_t)families[i];
    hears[i] = tst_sys(socket(families[i], SOCK_DGRAM, 0));
    if (i == 1) inet_set(hears[i], SOL_IPV6, IPV6_V6ONLY, 1);
    tst_sys(setsockopt(hears[i], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)));
    tst_sys(bind(hears[i], &names[i].any, inet_length(families[i])));
    length = sizeof(names[i]);
    tst_sys(getsockname(hears[i], &names[i].any, &length));
    inet_set(hears[i], SOL_IP, IP_RECVTTL, 1);
    inet_set(hears[i], SOL_IP, IP_RECVTOS, 1);
    inet_set(hears[i], SOL_IP, IP_PKTINFO, 1);
    if (families[i] == AF_INET) continue;
    inet_set(hears[i], SOL_IPV6, IPV6_RECVHOPLIMIT, 1);
    inet_set(hears[i], SOL_IPV6, IPV6_RECVTCLASS, 1);
    inet_set(hears[i], SOL_IPV6, IPV6_RECVPKTINFO, 1);
  }
  sends[0] = inet_bound(AF_INET, SOCK_DGRAM, &senders[0]);
  sends[1] = inet_bound(AF_INET6, SOCK_DGRAM, &senders[1]);
  for (int i = 0; i < DATAGRAMS; i++) {
    int family = table[i].family, six = family == AF_INET6;
    inet_set(sends[six], six ? SOL_IPV6 : SOL_IP, six ? IPV6_UNICAST_HOPS : IP_TTL, 10 + i);
    inet_set(sends[six], six ? SOL_IPV6 : SOL_IP, six ? IPV6_TCLASS : IP_TOS, 4 * i);
    inet_name to = inet_loopback(family);
    if (!six) to.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)i);
    to.four.sin_port = names[index_of(&table[i])].four.sin_port;
    tst_fill(text, sizeof(text), (uint32_t)i + 1);
    tst_sys(sendto(sends[six], text, (size_t)table[i].size, 0, &to.any, inet_length(family)));
  }
  /* one that waits at a socket which speaks with somebody else by now, and those at two sockets of one port */
  int changed = inet_bound(AF_INET, SOCK_DGRAM, &name), twins[2];
  tst_sys(sendto(sends[0], "before", 6, 0, &name.any, sizeof(name.four)));
  tst_sys(connect(changed, &(struct sockaddr_in){AF_INET, htons(9), {htonl(INADDR_LOOPBACK)}, {0}}, sizeof(struct sockaddr_in)));
  for (int i = 0; i < 2; i++) {
    inet_name twin = inet_loopback(AF_INET);
    twin.four.sin_port = htons(7000);
    twins[i] = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
    tst_sys(setsockopt(twins[i], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
    tst_sys(bind(twins[i], &twin.any, sizeof(twin.four)));
    tst_sys(sendto(sends[0], "twin", (size_t)(3 + i), 0, &twin.any, sizeof(twin.four))); /* the latest gets it */
  }
  tst_ready();
  TST_SPOIL take(hears[2]);
  for (int i = 0; i < DATAGRAMS; i++) {
    const datagram *it = &table[i];
    int six = it->family == AF_INET6;
    heard got = take(hears[index_of(it)]);
    tst_check(got.size == it->size, "datagram %d has %zd bytes", i, got.size);
    tst_check(tst_differs(text, (size_t)it->size, (uint32_t)i + 1) < 0, "datagram %d is another", i);
    tst_check(got.from.four.sin_port == senders[six].four.sin_port, "datagram %d is from port %d", i, ntohs(got.from.four.sin_port));
    if (it->kind && !six) {
      tst_check(IN6_IS_ADDR_V4MAPPED(&got.from.six.sin6_addr) && got.from.six.sin6_addr.s6_addr[15] == 1, "datagram %d is from elsewhere", i);
    } else if (six) {
      tst_check(IN6_IS_ADDR_LOOPBACK(&got.from.six.sin6_addr), "datagram %d is from elsewhere", i);
      tst_check(IN6_IS_ADDR_LOOPBACK(&got.to6), "datagram %d was sent elsewhere", i);
    } else {
      tst_check(got.from.four.sin_addr.s_addr == htonl(INADDR_LOOPBACK), "datagram %d is from elsewhere", i);
      tst_check(got.to.s_addr == htonl(INADDR_LOOPBACK + 1 + (uint32_t)i) && got.interface == 1, "datagram %d was sent to %#x", i, ntohl(got.to.s_addr));
    }
    tst_check(got.hops == 10 + i && got.service == 4 * i, "datagram %d has TTL %d, service %d", i, got.hops, got.service);
  }
  for (int i = 0; i < 3; i++) tst_check(recv(hears[i], text, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "socket %d has more", i);
  tst_check(recv(changed, text, 8, MSG_DONTWAIT) == 6, "what waited at the connected one is lost");
  for (int i = 0; i < 2; i++) tst_check(recv(twins[i], text, 8, MSG_DONTWAIT) == 3 + i, "what waited at twin %d is lost", i);
  /* and they are where they were */
  for (int i = 0; i < 3; i++) {
    inet_name to = inet_loopback(families[i]);
    to.four.sin_port = names[i].four.sin_port;
    tst_sys(sendto(sends[i > 0], "new", 3, 0, &to.any, inet_length(families[i])));
    tst_check(recv(hears[i], text, 8, MSG_DONTWAIT) == 3, "socket %d hears nothing new", i);
  }
  return tst_pass();
}
