// zdtm: {"category": "threads", "verifies": "a hundred threads keep their ids, names and stacks, and take turns at a lock"}
#include "tst.h"

#define THREADS 100

static tst_step *up, *go;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void *thread(void *which) {
  int n = (int)(intptr_t)which;
  char name[16], now[16];
  uint32_t stack[512];
  pid_t tid = (pid_t)syscall(SYS_gettid);
  snprintf(name, sizeof(name), "worker-%d", n);
  tst_sys(prctl(PR_SET_NAME, name));
  tst_fill(stack, sizeof(stack), (uint32_t)n);
  tst_raise(up);
  tst_await(go, 1);
  if (tst_spoiling() && n == 50) prctl(PR_SET_NAME, "other");
  tst_check((pid_t)syscall(SYS_gettid) == tid, "thread %d has id %d, had %d", n, (int)syscall(SYS_gettid), tid);
  tst_sys(prctl(PR_GET_NAME, now));
  tst_check(!strcmp(name, now), "thread %d is called %s", n, now);
  tst_check(tst_differs(stack, sizeof(stack), (uint32_t)n) < 0, "the stack of thread %d is wrong", n);
  for (int i = 0; i < 100; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[THREADS];
  pthread_attr_t attributes;
  up = tst_new_step();
  go = tst_new_step();
  tst_pthread(pthread_attr_init(&attributes));
  tst_pthread(pthread_attr_setstacksize(&attributes, 65536));
  for (intptr_t i = 0; i < THREADS; i++) tst_pthread(pthread_create(&ids[i], &attributes, thread, (void *)i));
  tst_await(up, THREADS);
  tst_ready();
  tst_set(go, 1);
  for (int i = 0; i < THREADS; i++) tst_pthread(pthread_join(ids[i], NULL));
  tst_check(counter == 100 * THREADS, "the counter is %ld", counter);
  return tst_pass();
}
