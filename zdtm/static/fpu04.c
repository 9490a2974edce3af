// zdtm: {"category": "arch-regs", "spoils": true, "cc": ["-lm"], "verifies": "threads keep a floating-point environment of their own each"}
#include "tst.h"

#include <fenv.h>

static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
static tst_step *up, *go;

static void *thread(void *which) {
  int n = (int)(intptr_t)which;
  tst_check(fesetround(modes[n]) == 0, "fesetround");
  feclearexcept(FE_ALL_EXCEPT);
  feraiseexcept(n & 1 ? FE_OVERFLOW : FE_DIVBYZERO);
  tst_raise(up);
  tst_await(go, 1);
  if (tst_spoiling() && n == 2) fesetround(FE_UPWARD);
  tst_check(fegetround() == modes[n], "thread %d rounds with mode %x", n, fegetround());
  int raised = fetestexcept(FE_OVERFLOW | FE_DIVBYZERO);
  tst_check(raised == (n & 1 ? FE_OVERFLOW : FE_DIVBYZERO), "thread %d has exceptions %x raised", n, raised);
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[4];
  up = tst_new_step();
  go = tst_new_step();
  for (intptr_t i = 0; i < 4; i++) tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
  tst_await(up, 4);
  tst_ready();
  tst_set(go, 1);
  for (int i = 0; i < 4; i++) tst_pthread(pthread_join(ids[i], NULL));
  return tst_pass();
}
