// zdtm: {"category": "rseq", "except": {"memory": "the kernel writes CPU numbers into the area"}, "verifies": "each thread keeps its own rseq area and signature, and one that had none has none"}
#include "tst.h"

#include <linux/rseq.h>

enum { THREADS = 6, SIGN = 0x1000 };
static struct rseq areas[THREADS] __attribute__((aligned(64)));
static tst_step *step;

static void *thread_with(void *number) {
  int nth = (int)(intptr_t)number;
  struct rseq *mine = &areas[nth];
  if (nth) tst_sys(syscall(SYS_rseq, mine, 32, 0, SIGN + nth));
  tst_set(step, nth + 1);
  tst_await(step, 100);
  TST_SPOIL if (nth == 3) nth++;
  if (nth == 0) {
    tst_check(syscall(SYS_rseq, mine, 32, 0, SIGN) == 0, "a thread had an area that nobody registered");
    return NULL;
  }
  tst_check(syscall(SYS_rseq, mine, 32, RSEQ_FLAG_UNREGISTER, SIGN + 99) == -1 && errno == EPERM,
            "thread %d: any signature will do", nth);
  tst_check(syscall(SYS_rseq, mine, 32, RSEQ_FLAG_UNREGISTER, SIGN + nth) == 0, "thread %d: %s", nth, strerror(errno));
  return NULL;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    tst_pthread(pthread_create(&threads[i], NULL, thread_with, (void *)(intptr_t)i));
    tst_await(step, i + 1);
  }
  tst_ready();
  tst_set(step, 100);
  for (int i = 0; i < THREADS; i++) tst_pthread(pthread_join(threads[i], NULL));
  return tst_pass();
}
