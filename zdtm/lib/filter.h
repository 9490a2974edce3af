/* Seccomp filters for cases: each answers one system call in its own way and lets all others pass. */
#ifndef FILTER_H
#define FILTER_H
#include "tst.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

/* Gives the result of seccomp(2). */
static inline long filter_call(long number, unsigned answer, unsigned flags) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, answer),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static inline unsigned answer_error(int error) { return SECCOMP_RET_ERRNO | (unsigned)error; }

/* The error that a call without arguments gives now; 0 when it goes through. */
static inline int filtered(long number) { return syscall(number, 0, 0, 0, 0, 0, 0) == -1 ? errno : 0; }

#endif
