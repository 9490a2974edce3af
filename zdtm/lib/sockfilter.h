/* Programs on sockets. Of a classic filter: what is read back has the same instructions, and it still decides. */
#ifndef SOCKFILTER_H
#define SOCKFILTER_H
#include "inet.h"

#include <linux/bpf.h>
#include <linux/filter.h>

#define SO_GET_FILTER_ 26
#define MOST_INSTRUCTIONS 64

static inline void filter_put(int fd, const struct sock_filter *code, size_t count) {
  struct sock_fprog program = {.len = (unsigned short)count, .filter = (struct sock_filter *)code};
  tst_sys(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

static inline void filter_check(int fd, const struct sock_filter *code, size_t count) {
  struct sock_filter is[MOST_INSTRUCTIONS] = {{0}};
  socklen_t length = MOST_INSTRUCTIONS; /* the kernel counts instructions here */
  tst_sys(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER_, is, &length));
  tst_check(length == count, "the filter has %u instructions, not %zu", length, count);
  tst_check(!memcmp(is, code, count * sizeof(*code)), "the filter has other instructions");
}

/* An eBPF program that gives one number, whatever comes; or the case is skipped. */
static inline int filter_ebpf(int number) {
  /* r0 = number; exit */
  struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = number}, {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr load = {0};
  load.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  load.insns = (uintptr_t)code;
  load.insn_cnt = 2;
  load.license = (uintptr_t) "MIT";
  int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
  if (program < 0) tst_skip("no eBPF: %s", strerror(errno));
  return program;
}

#endif
