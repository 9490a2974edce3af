// zdtm: {"category": "sockets-inet", "verifies": "sockets among which an eBPF program chooses are refused before anything is touched, and keep it", "needs": ["root", "file:/sys/kernel/btf/vmlinux"], "refused": "chooses among sockets that share a port"}
#include "sockfilter.h"

int main(void) {
  tst_begin();
  int program = filter_ebpf(1); /* always the second one */
  inet_name name = inet_loopback(AF_INET);
  socklen_t length = sizeof(name);
  int fds[2];
  for (int i = 0; i < 2; i++) {
    fds[i] = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
    inet_set(fds[i], SOL_SOCKET, SO_REUSEPORT, 1);
    tst_sys(bind(fds[i], &name.any, sizeof(name.four)));
    tst_sys(getsockname(fds[i], &name.any, &length));
  }
  tst_sys(setsockopt(fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof(program)));
  close(program);
  tst_ready();
  TST_SPOIL inet_set(fds[0], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0);
  for (int i = 0; i < 16; i++) {
    char text[8];
    inet_name sender;
    int sends = inet_bound(AF_INET, SOCK_DGRAM, &sender);
    tst_sys(sendto(sends, "one", 3, 0, &name.any, sizeof(name.four)));
    tst_check(recv(fds[1], text, sizeof(text), MSG_DONTWAIT) == 3, "the program is gone");
    close(sends);
  }
  return tst_pass();
}
