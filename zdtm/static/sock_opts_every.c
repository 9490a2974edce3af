// zdtm: {"category": "sockets-other", "verifies": "whatever number an option of a socket has: where the kernel takes another value for it and tells it, that value stays", "needs": ["net"], "opts": ["--tcp-established"]}
#include "tcp.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/udp.h>

enum { NUMBERS = 128, MOST = 64, KINDS = 16, LEVELS = 8 };
static const int levels[LEVELS] = {SOL_SOCKET, SOL_IP, SOL_IPV6, IPPROTO_TCP, IPPROTO_UDP, SOL_RAW, SOL_NETLINK, SOL_PACKET};

/* What is no state that stays, or makes another thing of the socket: each with its reason. */
static const struct {
  int level, name;
} passed[] = {
    {SOL_SOCKET, SO_ERROR}, {SOL_SOCKET, SO_ATTACH_FILTER}, {SOL_SOCKET, SO_DETACH_FILTER}, {SOL_SOCKET, SO_BINDTODEVICE},
    {SOL_SOCKET, SO_LOCK_FILTER}, {SOL_SOCKET, SO_ATTACH_BPF}, {SOL_SOCKET, 51}, {SOL_SOCKET, 52}, {SOL_SOCKET, 68},
    {SOL_SOCKET, 62 /* BINDTOIFINDEX */}, {SOL_SOCKET, 53 /* CNX_ADVICE: acts */}, {SOL_SOCKET, SO_PEEK_OFF} /* tested elsewhere */,
    {SOL_SOCKET, 71 /* NETNS_COOKIE */}, {SOL_SOCKET, 57 /* COOKIE */}, {SOL_SOCKET, 55 /* MEMINFO */}, {SOL_SOCKET, 49 /* INCOMING_CPU: of the moment */},
    {SOL_SOCKET, 77 /* PEERPIDFD: a new descriptor */}, {SOL_IP, IP_PKTOPTIONS /* of the last packet */}, {SOL_IP, IP_MULTICAST_TTL}, {IPPROTO_TCP, TCP_MAXSEG} /* both tested elsewhere */,
    {SOL_SOCKET, 50}, {SOL_SOCKET, SO_TIMESTAMPING}, {SOL_SOCKET, 65},
    {SOL_IPV6, 1 /* ADDRFORM: another family */}, {SOL_IP, IP_MTU}, {SOL_IPV6, IPV6_MTU}, {SOL_IPV6, 61 /* PATHMTU */},
    {IPPROTO_TCP, TCP_REPAIR}, {IPPROTO_TCP, TCP_REPAIR_QUEUE}, {IPPROTO_TCP, TCP_QUEUE_SEQ}, {IPPROTO_TCP, TCP_REPAIR_OPTIONS},
    {IPPROTO_TCP, 29 /* REPAIR_WINDOW */}, {IPPROTO_TCP, TCP_INFO}, {IPPROTO_TCP, TCP_TIMESTAMP}, {IPPROTO_TCP, TCP_QUICKACK /* of the moment */},
    {IPPROTO_TCP, 26 /* CC_INFO */}, {IPPROTO_TCP, 31 /* ULP */}, {IPPROTO_TCP, 35 /* ZEROCOPY_RECEIVE */},
    {SOL_PACKET, PACKET_RX_RING}, {SOL_PACKET, PACKET_TX_RING}, {SOL_PACKET, PACKET_STATISTICS}, {SOL_PACKET, PACKET_FANOUT}, {SOL_PACKET, 21}, {SOL_PACKET, 22}, {SOL_PACKET, PACKET_HDRLEN},
    {SOL_NETLINK, NETLINK_ADD_MEMBERSHIP}, {SOL_NETLINK, NETLINK_DROP_MEMBERSHIP}};

static bool passes(int level, int name) {
  for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++)
    if (passed[i].level == level && passed[i].name == name) return true;
  return false;
}

typedef struct {
  socklen_t length; /* 0: not told */
  uint8_t bytes[MOST];
} value;

static value ask(int fd, int level, int name) {
  value is = {.length = MOST};
  if (getsockopt(fd, level, name, is.bytes, &is.length)) is.length = 0;
  return is;
}

static bool same(const value *a, const value *b) { return a->length == b->length && !memcmp(a->bytes, b->bytes, a->length); }

static int fds[KINDS], count;
static const char *names[KINDS];
static value was[KINDS][LEVELS][NUMBERS];

static void add(const char *name, int fd) {
  fds[count] = tst_sys(fd), names[count++] = name;
}

static int changed;

/* Sets whatever can be set to something else. */
static void change(int fd, int level, int name) {
  static const int tries[] = {1, 0, 2, 3, 5, 7, 100, 1000, 5000, 70000, 0x20, 0x402};
  value before = ask(fd, level, name), now;
  if (before.length != 4 && before.length != 1) return;
  for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
    if (setsockopt(fd, level, name, &tries[i], 4)) continue;
    now = ask(fd, level, name);
    if (!same(&now, &before)) {
      changed++;
      return;
    }
  }
}

int main(void) {
  tst_begin();
  inet_name name;
  tcp_pair four = tcp_connect(TCP_FOUR), six = tcp_connect(TCP_SIX);
  int pair[2];
  add("UDP", socket(AF_INET, SOCK_DGRAM, 0)), add("UDP of IPv6", socket(AF_INET6, SOCK_DGRAM, 0));
  add("UDP-Lite", socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE));
  add("raw", socket(AF_INET, SOCK_RAW, 253)), add("raw of IPv6", socket(AF_INET6, SOCK_RAW, 253)), add("raw ICMP", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  add("fresh TCP", socket(AF_INET, SOCK_STREAM, 0)), add("fresh TCP of IPv6", socket(AF_INET6, SOCK_STREAM, 0));
  add("listener", tcp_bound(TCP_FOUR, &name));
  tst_sys(listen(fds[count - 1], 4));
  add("client", four.client), add("server", four.server), add("server of IPv6", six.server);
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  add("unix stream", pair[0]), add("unix datagram", socket(AF_UNIX, SOCK_DGRAM, 0));
  add("netlink", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), add("packet", socket(AF_PACKET, SOCK_DGRAM, 0));
  for (int i = 0; i < count; i++)
    for (int level = 0; level < LEVELS; level++)
      for (int n = 1; n < NUMBERS; n++)
        if (!passes(levels[level], n)) change(fds[i], levels[level], n);
  tst_check(changed > 300, "only %d options could be changed", changed);
  for (int i = 0; i < count; i++)
    for (int level = 0; level < LEVELS; level++)
      for (int n = 1; n < NUMBERS; n++)
        if (!passes(levels[level], n)) was[i][level][n] = ask(fds[i], levels[level], n);
  tst_ready();
  TST_SPOIL inet_set(fds[0], SOL_SOCKET, SO_RCVLOWAT, 1 + inet_option(fds[0], SOL_SOCKET, SO_RCVLOWAT));
  int lost = 0;
  for (int i = 0; i < count; i++)
    for (int level = 0; level < LEVELS; level++)
      for (int n = 1; n < NUMBERS; n++) {
        value *a = &was[i][level][n], is = ask(fds[i], levels[level], n);
        if (passes(levels[level], n) || same(a, &is)) continue;
        lost++;
        fprintf(stderr, "LOST %s: option %d of level %d is %u, not %u (%u bytes, %u)\n", names[i], n, levels[level], *(unsigned *)is.bytes, *(unsigned *)a->bytes, is.length, a->length);
      }
  tst_check(lost == 0, "%d options are others", lost);
  return tst_pass();
}
