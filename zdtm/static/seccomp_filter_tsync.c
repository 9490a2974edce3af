// zdtm: {"category": "seccomp", "verifies": "a filter set for all threads at once holds in all of them, and another can be set for all of them afterwards"}
#include "filter.h"

enum { THREADS = 6 };
static tst_step *step, *checked;

static void *other(void *number) {
  tst_set(step, (int)(intptr_t)number + 1);
  tst_await(step, 100);
  tst_check(filtered(SYS_getpgid) == 31, "thread %d: error %d", (int)(intptr_t)number, filtered(SYS_getpgid));
  tst_check(filtered(SYS_getsid) == 32, "thread %d: the later filter gives %d", (int)(intptr_t)number,
            filtered(SYS_getsid));
  __atomic_add_fetch(&checked->value, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  checked = tst_new_step();
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    tst_pthread(pthread_create(&threads[i], NULL, other, (void *)(intptr_t)i));
    tst_await(step, i + 1);
  }
  tst_check(filter_call(SYS_getpgid, answer_error(31), SECCOMP_FILTER_FLAG_TSYNC) == 0, "TSYNC: %s", strerror(errno));
  tst_ready();
  long later = filter_call(SYS_getsid, answer_error(32), tst_spoiling() ? 0 : SECCOMP_FILTER_FLAG_TSYNC);
  tst_check(later == 0, "after the restore TSYNC gives %ld: %s", later, strerror(errno));
  tst_check(filtered(SYS_getpgid) == 31, "leader: error %d", filtered(SYS_getpgid));
  tst_set(step, 100);
  for (int i = 0; i < THREADS; i++) tst_pthread(pthread_join(threads[i], NULL));
  tst_check(checked->value == THREADS, "%d threads have checked", checked->value);
  return tst_pass();
}
