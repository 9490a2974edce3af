// zdtm: {"category": "sockets-other", "verifies": "a socket with an eBPF program is refused by name before anything is touched, and keeps it", "needs": ["root"], "refused": "made from an eBPF program"}
#include "sockfilter.h"

int main(void) {
  tst_begin();
  int program = filter_ebpf(0); /* nothing passes */
  inet_name name;
  char text[8];
  int fd = inet_bound(AF_INET, SOCK_DGRAM, &name);
  tst_sys(setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)));
  close(program);
  tst_ready();
  TST_SPOIL inet_set(fd, SOL_SOCKET, SO_DETACH_BPF, 0);
  tst_sys(sendto(fd, "no", 2, 0, &name.any, sizeof(name.four)));
  tst_check(recv(fd, text, sizeof(text), MSG_DONTWAIT) == -1 && errno == EAGAIN, "the program is gone");
  return tst_pass();
}
