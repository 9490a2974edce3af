// zdtm: {"category": "tcp", "verifies": "urgent data that waits in connections stays urgent, at its place, with what lies before and behind it, over both versions of IP, and where the peer is done", "opts": ["--tcp-established"]}
#include "tcp.h"

enum { PAIRS = 5, MUCH = 100000 };

int main(void) {
  tst_begin();
  tcp_pair pairs[PAIRS];
  static char much[MUCH], got[MUCH];
  char byte = 0;
  for (int i = 0; i < PAIRS; i++) pairs[i] = tcp_connect(i % 2 ? TCP_SIX : TCP_FOUR);
  int place = -1;
  socklen_t length = sizeof(place);
  if (getsockopt(pairs[0].server, SOL_SOCKET, SO_PEEK_OFF, &place, &length)) tst_skip("this kernel looks at no place of a TCP queue");
  tst_fill(much, sizeof(much), 3);
  /* 0: in the middle; 1: the very first; 2: the very last, and the peer is done; 3: in line; 4: much behind it */
  for (int i = 0; i < PAIRS; i++) {
    if (i != 1) tcp_send(pairs[i].client, "before");
    tst_sys(send(pairs[i].client, "!", 1, MSG_OOB));
    if (i == 4) tst_check(send(pairs[i].client, much, MUCH, 0) == MUCH, "not all is sent");
    else if (i != 2) tcp_send(pairs[i].client, "behind");
    tcp_acknowledged(pairs[i].client);
  }
  tst_sys(shutdown(pairs[2].client, SHUT_WR));
  tcp_becomes(pairs[2].server, TCP_CLOSE_WAIT);
  inet_set(pairs[3].server, SOL_SOCKET, SO_OOBINLINE, 1);
  tst_ready();
  TST_SPOIL tst_sys(recv(pairs[0].server, &byte, 1, MSG_OOB));
  for (int i = 0; i < PAIRS; i++) {
    struct pollfd urgent = {pairs[i].server, POLLPRI, 0};
    tst_check(poll(&urgent, 1, 0) == 1 && (urgent.revents & POLLPRI), "pair %d tells of no urgent data", i);
    if (i == 3) continue;
    tst_check(recv(pairs[i].server, &byte, 1, MSG_OOB | MSG_DONTWAIT) == 1 && byte == '!', "the urgent byte of pair %d is gone", i);
  }
  for (int i = 0; i < PAIRS; i++) {
    int is = -1;
    if (i != 1) tcp_expect(pairs[i].server, "before");
    tst_sys(ioctl(pairs[i].server, SIOCATMARK, &is));
    tst_check(is == 1, "pair %d has its mark elsewhere", i);
    if (i == 3) tcp_expect(pairs[i].server, "!");
    if (i == 4) {
      tst_check(recv(pairs[i].server, got, MUCH, MSG_WAITALL) == MUCH && !memcmp(got, much, MUCH), "what lies behind is other");
    } else if (i == 2) {
      tcp_expect_end(pairs[i].server);
    } else {
      tcp_expect(pairs[i].server, "behind");
    }
    if (i == 2) continue;
    tcp_send(pairs[i].client, "more");
    tcp_expect(pairs[i].server, "more");
  }
  return tst_pass();
}
