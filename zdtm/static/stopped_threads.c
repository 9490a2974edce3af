// zdtm: {"category": "process-tree", "verifies": "a stopped process with threads has all of them stopped, and all go on together"}
#include "tst.h"

#define THREADS 6

static struct {
  tst_step ready;
  int counts[THREADS];
} *shared;

static void *thread(void *which) {
  tst_raise(&shared->ready);
  for (;;) {
    tst_nap();
    __atomic_add_fetch(&shared->counts[(intptr_t)which], 1, __ATOMIC_SEQ_CST);
  }
  return NULL;
}

static int child(void *unused) {
  (void)unused;
  pthread_t id;
  for (intptr_t i = 1; i < THREADS; i++) tst_pthread(pthread_create(&id, NULL, thread, (void *)i));
  thread(0);
  return 0;
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  pid_t pid = tst_child(child, NULL);
  tst_await(&shared->ready, THREADS);
  tst_sys(kill(pid, SIGSTOP));
  int before[THREADS];
  siginfo_t info;
  tst_sys(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
  memcpy(before, shared->counts, sizeof(before));
  tst_ready();
  TST_SPOIL shared->counts[2]++;
  for (int i = 0; i < THREADS; i++) tst_check(shared->counts[i] == before[i], "thread %d has run", i);
  tst_check(tst_state(pid) == 'T', "the child is in state %c", tst_state(pid));
  tst_sys(kill(pid, SIGCONT));
  for (int i = 0; i < THREADS; i++) tst_until(shared->counts[i] > before[i], "thread %d does not go on", i);
  tst_end(pid);
  return tst_pass();
}
