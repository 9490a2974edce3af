// zdtm: {"category": "seccomp", "verifies": "a filter of four thousand instructions and a chain of thirty come back and are asked in full"}
#include "filter.h"

enum { LONG = 4000, CHAIN = 30 };

int main(void) {
  tst_begin();
  struct sock_filter *code = calloc(LONG, sizeof(*code));
  int at = 0;
  code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
  while (at < LONG - 3) {
    code[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(5000000 + at), 0, 1);
    code[at + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer_error(100 + at % 1000));
    at += 2;
  }
  code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {(unsigned short)at, code};
  tst_sys(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
  for (int i = 0; i < CHAIN; i++) tst_sys(filter_call(SYS_getpgid, answer_error(200 + i), 0));
  tst_ready();
  TST_SPOIL tst_sys(filter_call(SYS_getpgid, answer_error(1), 0));
  for (int i = 1; i < LONG - 4; i += 2) {
    errno = 0;
    syscall(SYS_getsid, 5000000 + i);
    tst_check(errno == 100 + i % 1000, "argument %d gives error %d", i, errno);
  }
  /* The newest of equal answers wins (seccomp(2)). */
  tst_check(filtered(SYS_getpgid) == 200 + CHAIN - 1, "the chain answers %d", filtered(SYS_getpgid));
  return tst_pass();
}
