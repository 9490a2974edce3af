// zdtm: {"category": "arch-regs", "needs": ["arch:x64"], "verifies": "the bases of the FS and GS segments are where they were, in every thread"}
#include "tst.h"

#include <asm/prctl.h>

#define THREADS 3
static uint64_t areas[THREADS][4];
static tst_step *up, *go;

static uint64_t from_gs(void) {
  uint64_t value;
  asm volatile("mov %%gs:8, %0" : "=r"(value));
  return value;
}

static void hold(int n) {
  uint64_t fs_before, fs_after, gs_after;
  areas[n][1] = 0xfeed0000u + (uint64_t)n;
  tst_sys(syscall(SYS_arch_prctl, ARCH_SET_GS, areas[n]));
  tst_sys(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_before));
  tst_raise(up);
  if (n == 0) {
    tst_await(up, THREADS);
    tst_ready();
    TST_SPOIL tst_sys(syscall(SYS_arch_prctl, ARCH_SET_GS, areas[1]));
    tst_set(go, 1);
  } else tst_await(go, 1);
  tst_sys(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_after));
  tst_sys(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs_after));
  tst_check(fs_before == fs_after, "thread %d: FS is at %lx, was at %lx", n, (long)fs_after, (long)fs_before);
  tst_check(gs_after == (uint64_t)(uintptr_t)areas[n], "thread %d: GS is at %lx", n, (long)gs_after);
  tst_check(from_gs() == areas[n][1], "thread %d reads %lx through GS", n, (long)from_gs());
}

static void *thread(void *which) {
  hold((int)(intptr_t)which);
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[THREADS];
  up = tst_new_step();
  go = tst_new_step();
  for (intptr_t i = 1; i < THREADS; i++) tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
  hold(0);
  for (int i = 1; i < THREADS; i++) tst_pthread(pthread_join(ids[i], NULL));
  return tst_pass();
}
