/*
 * Registers that have to survive: a child (or a thread of it) loads them, sleeps in a raw system call, so that no
 * compiled code comes between, stores them and compares. The first process only watches.
 */
#ifndef HOLD_H
#define HOLD_H
#include "tst.h"

typedef struct {
  tst_step go; /* the word that the holder sleeps on */
  tst_step done;
  int loaded; /* holders that are about to sleep */
  pid_t tids[64];
} holding;

static holding *hold_shared;

/* x86-64: sleeps while *%rdi is 0. Changes rax, rcx and r11 only. */
#define HOLD_ASM                       \
  "1: movl $202, %%eax\n"              \
  "syscall\n"                          \
  "cmpl $0, (%%rdi)\n"                 \
  "je 1b\n"
/* Declares the registers that HOLD_ASM wants: futex(word, FUTEX_WAIT, 0, no timeout). */
#define HOLD_INPUTS                                                   \
  register int *hold_word asm("rdi") = &hold_shared->go.value;        \
  register long hold_op asm("rsi") = 0;                               \
  register long hold_value asm("rdx") = 0;                            \
  register long hold_timeout asm("r10") = 0
#define HOLD_OPERANDS "r"(hold_word), "r"(hold_op), "r"(hold_value), "r"(hold_timeout)
#define HOLD_CLOBBERS "memory", "cc", "rax", "rcx", "r11"

/* The holder says that from here on it only sleeps. */
static void hold_loaded(void) {
  int n = __atomic_fetch_add(&hold_shared->loaded, 1, __ATOMIC_SEQ_CST);
  hold_shared->tids[n] = (pid_t)syscall(SYS_gettid);
}

static void *hold_thread(void *hold) {
  ((void (*)(int))(uintptr_t)hold)(1);
  return NULL;
}

static int hold_child(void (*hold)(int), int threads) {
  pthread_t ids[64];
  for (int i = 0; i < threads; i++) tst_pthread(pthread_create(&ids[i], NULL, hold_thread, (void *)(uintptr_t)hold));
  if (!threads) hold(0);
  for (int i = 0; i < threads; i++) tst_pthread(pthread_join(ids[i], NULL));
  tst_set(&hold_shared->done, 1);
  return 0;
}

/* Runs hold() in a child, in its first thread when `threads` is 0, else in that many others. */
static int hold_case(void (*hold)(int in_thread), int threads) {
  tst_begin();
  hold_shared = tst_shared(sizeof(*hold_shared));
  pid_t pid = tst_sys(fork());
  if (pid == 0) _exit(hold_child(hold, threads));
  int holders = threads ? threads : 1;
  tst_until(__atomic_load_n(&hold_shared->loaded, __ATOMIC_SEQ_CST) == holders, "the registers are not loaded");
  for (int i = 0; i < holders; i++)
    tst_until(tst_state(hold_shared->tids[i]) == 'S', "the holder does not sleep");
  tst_ready();
  tst_set(&hold_shared->go, 1);
  int status = tst_reap(pid);
  tst_check(status == 0 && hold_shared->done.value == 1, "the holder ends with 0x%x", status);
  return tst_pass();
}

/* What was stored against what was loaded. */
static void hold_same(const void *is, const void *was, size_t bytes, const char *what) {
  const uint8_t *a = is, *b = was;
  for (size_t i = 0; i < bytes; i++)
    tst_check(a[i] == b[i], "%s: byte %zu is %02x, was %02x", what, i, a[i], b[i]);
}

#endif
