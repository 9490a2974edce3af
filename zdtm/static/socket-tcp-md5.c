// zdtm: {"category": "tcp", "verifies": "keys that segments of TCP are signed with stay: of listeners, of connections over both versions of IP, half closed ones too", "opts": ["--tcp-established"], "needs": ["net"]}
#include "tcp.h"

static void give(int fd, const inet_name *peer, int bits, const char *key) {
  struct tcp_md5sig request = {.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX, .tcpm_prefixlen = (uint8_t)bits, .tcpm_keylen = (uint16_t)strlen(key)};
  memcpy(&request.tcpm_addr, peer, sizeof(*peer));
  memcpy(request.tcpm_key, key, strlen(key));
  if (setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, &request, sizeof(request))) {
    if (errno == ENOPROTOOPT) tst_skip("this kernel signs no segments");
    tst_die("TCP_MD5SIG_EXT");
  }
}

/* Is what leaves a port signed? Segments have two operations for nothing and the signature among their options first. */
static bool is_signed(int sniffs, in_port_t port) {
  uint8_t packet[4096];
  bool is = false;
  for (ssize_t size; (size = recv(sniffs, packet, sizeof(packet), MSG_DONTWAIT)) > 0;) {
    const uint8_t *tcp = packet[0] >> 4 == 4 && packet[9] == IPPROTO_TCP ? packet + (packet[0] & 15) * 4 : packet;
    if (!memcmp(tcp, &port, 2)) is = tcp[12] >> 4 >= 10 && !memcmp(tcp + 20, "\x01\x01\x13\x12", 4);
  }
  return is;
}

static const char *const keys[] = {"four is not long", "and this one is for IPv6, and is longer than the first one by far"};

static tcp_pair with_keys(tcp_kind kind, inet_name *to) {
  int family = kind == TCP_SIX ? AF_INET6 : AF_INET, bits = family == AF_INET ? 24 : 128;
  inet_name peer = inet_loopback(family);
  if (family == AF_INET) peer.four.sin_addr.s_addr = htonl(0x7f000000);
  tcp_pair pair = {.listener = tcp_bound(kind, to)};
  give(pair.listener, &peer, bits, keys[family == AF_INET6]);
  tst_sys(listen(pair.listener, 8));
  pair.client = tcp_socket(to);
  give(pair.client, &peer, bits, keys[family == AF_INET6]);
  tst_sys(connect(pair.client, &to->any, inet_length(family)));
  pair.server = tst_sys(accept(pair.listener, NULL, NULL));
  return pair;
}

int main(void) {
  tst_begin();
  inet_name to[3];
  tcp_pair pairs[3] = {with_keys(TCP_FOUR, &to[0]), with_keys(TCP_SIX, &to[1]), with_keys(TCP_FOUR, &to[2])};
  tcp_send(pairs[0].client, "queued");
  tcp_send(pairs[2].client, "last");
  tst_sys(shutdown(pairs[2].client, SHUT_WR));
  tcp_becomes(pairs[2].server, TCP_CLOSE_WAIT);
  tst_ready();
  TST_SPOIL give(pairs[1].client, &to[1], 128, "another");
  tcp_expect(pairs[0].server, "queued");
  tcp_expect(pairs[2].server, "last");
  tcp_expect_end(pairs[2].server);
  for (int i = 0; i < 3; i++) {
    struct pollfd heard = {pairs[i].client, POLLIN, 0};
    int sniffs = tst_sys(socket(to[i].any.sa_family, SOCK_RAW, IPPROTO_TCP));
    tcp_send(pairs[i].server, "hello");
    tst_check(poll(&heard, 1, 1500) == 1, "pair %d does not understand each other any more", i);
    tcp_expect(pairs[i].client, "hello");
    tst_check(is_signed(sniffs, to[i].four.sin_port), "pair %d signs nothing", i);
    close(sniffs);
    /* who has no key is not heard, who has it is */
    int stranger = tst_sys(socket(to[i].any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0)), friend = tst_sys(socket(to[i].any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0));
    connect(stranger, &to[i].any, inet_length(to[i].any.sa_family));
    tcp_is(stranger, TCP_SYN_SENT);
    give(friend, &to[i], i == 1 ? 128 : 32, keys[i == 1]);
    connect(friend, &to[i].any, inet_length(to[i].any.sa_family));
    tcp_becomes(friend, TCP_ESTABLISHED);
  }
  return tst_pass();
}
