// zdtm: {"category": "sockets-inet", "verifies": "a classic program goes on choosing among sockets that share a port, of UDP and TCP, by the places that they had", "needs": ["net"]}
#include "inet.h"

#include <linux/filter.h>

enum { SOCKETS = 3 };

static void choose(int fd, struct sock_filter *code, unsigned short length) {
  struct sock_fprog program = {length, code};
  tst_sys(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)));
}

int main(void) {
  tst_begin();
  struct sock_filter by_byte[] = {{BPF_LD | BPF_B | BPF_ABS, 0, 0, 0}, {BPF_RET | BPF_A, 0, 0, 0}},
                     always[] = {{BPF_RET | BPF_K, 0, 0, 1}};
  /* numbers of descriptors and places are not in the same order */
  static const int order[SOCKETS] = {2, 0, 1};
  int udp[SOCKETS], tcp[SOCKETS];
  inet_name names[2] = {inet_loopback(AF_INET), inet_loopback(AF_INET6)};
  socklen_t length;
  for (int i = 0; i < SOCKETS; i++) {
    udp[i] = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)), tcp[i] = tst_sys(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0));
    inet_set(udp[i], SOL_SOCKET, SO_REUSEPORT, 1);
    inet_set(tcp[i], SOL_SOCKET, SO_REUSEPORT, 1);
  }
  for (int i = 0; i < SOCKETS; i++) {
    tst_sys(bind(udp[order[i]], &names[0].any, sizeof(names[0].four)));
    tst_sys(bind(tcp[order[i]], &names[1].any, sizeof(names[1].six)));
    tst_sys(listen(tcp[order[i]], 8));
    length = sizeof(names[0]), getsockname(udp[order[i]], &names[0].any, &length);
    length = sizeof(names[1]), getsockname(tcp[order[i]], &names[1].any, &length);
  }
  choose(udp[0], by_byte, 2);
  choose(tcp[0], always, 1);
  tst_ready();
  TST_SPOIL inet_set(udp[1], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0);
  int sends = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  for (int i = 0; i < 8 * SOCKETS; i++) {
    char place = (char)(i % SOCKETS), got = -1;
    tst_sys(sendto(sends, &place, 1, 0, &names[0].any, sizeof(names[0].four)));
    tst_check(recv(udp[order[(int)place]], &got, 1, MSG_DONTWAIT) == 1 && got == place, "a datagram for place %d comes to another", place);
    close(sends);
    sends = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  }
  for (int i = 0; i < 8; i++) {
    int calls = tst_sys(socket(AF_INET6, SOCK_STREAM, 0));
    tst_sys(connect(calls, &names[1].any, sizeof(names[1].six)));
    int client = accept(tcp[order[1]], NULL, NULL);
    tst_check(client >= 0, "a call comes to another place: %s", strerror(errno));
    close(client), close(calls);
  }
  return tst_pass();
}
