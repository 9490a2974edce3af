// zdtm: {"category": "tcp", "notIn": {"uns": "SO_SNDBUFFORCE and SO_RCVBUFFORCE take CAP_NET_ADMIN of the first user namespace"}, "verifies": "what both ends of a connection agreed on stays: segment size, window scale, SACK, time stamps, windows, clamps", "opts": ["--tcp-established"]}
#include "tcp_options.h"

typedef struct {
  struct tcp_info info;
  int segment, clamp;
} agreed;

static agreed agreed_on(int fd) {
  agreed it = {0};
  socklen_t length = sizeof(it.info);
  tst_sys(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &it.info, &length));
  it.segment = inet_option(fd, IPPROTO_TCP, TCP_MAXSEG);
  it.clamp = inet_option(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP);
  return it;
}

enum { PAIRS = 4 };

int main(void) {
  tst_begin();
  int fds[2 * PAIRS];
  agreed before[2 * PAIRS];
  for (int i = 0; i < PAIRS; i++) {
    inet_name to;
    int listener = tcp_bound(i % 2 ? TCP_SIX : TCP_FOUR, &to), client = tcp_socket(&to);
    if (i == 1) inet_set(listener, IPPROTO_TCP, TCP_MAXSEG, 1000);
    if (i == 2) inet_set(client, IPPROTO_TCP, TCP_MAXSEG, 600), inet_set(client, IPPROTO_TCP, TCP_WINDOW_CLAMP, 9000);
    if (i == 3) inet_set(listener, SOL_SOCKET, SO_RCVBUF, 4096), inet_set(client, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20);
    tst_sys(listen(listener, 4));
    tst_sys(connect(client, &to.any, inet_length(to.any.sa_family)));
    fds[2 * i] = client, fds[2 * i + 1] = tst_sys(accept(listener, NULL, NULL));
    for (int j = 0; j < 2; j++) {
      for (int k = 0; k < 50; k++) tcp_put(fds[2 * i + j], k * 2000, 2000, 1, true), tcp_get(fds[2 * i + !j], k * 2000, 2000, 1);
      tcp_acknowledged(fds[2 * i + j]);
    }
  }
  for (int i = 0; i < 2 * PAIRS; i++) before[i] = agreed_on(fds[i]);
  tst_ready();
  TST_SPOIL inet_set(fds[0], IPPROTO_TCP, TCP_WINDOW_CLAMP, 5000);
  for (int i = 0; i < 2 * PAIRS; i++) {
    agreed now = agreed_on(fds[i]);
#define SAME(field) \
  tst_check(now.field == before[i].field, "%s of socket %d is %d, not %d", #field, i, (int)now.field, (int)before[i].field)
    SAME(info.tcpi_options);
    SAME(info.tcpi_snd_wscale);
    SAME(info.tcpi_rcv_wscale);
    SAME(info.tcpi_snd_mss);
    SAME(info.tcpi_pmtu);
    SAME(segment);
    SAME(clamp);
  }
  for (int i = 0; i < 2 * PAIRS; i++) tcp_put(fds[i], 0, 2000, 1, true), tcp_get(fds[i ^ 1], 0, 2000, 1);
  return tst_pass();
}
