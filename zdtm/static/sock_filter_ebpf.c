// zdtm: {"category": "sockets-other", "verifies": "a socket with an eBPF program is refused by name before anything is touched, and keeps it", "needs": ["root"], "refused": "made from an eBPF program"}
#include "inet.h"

#include <linux/bpf.h>

int main(void) {
  tst_begin();
  /* r0 = 0; exit: nothing passes */
  struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr load = {0};
  load.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  load.insns = (uintptr_t)code;
  load.insn_cnt = 2;
  load.license = (uintptr_t) "MIT";
  int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
  if (program < 0) tst_skip("no eBPF: %s", strerror(errno));
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
