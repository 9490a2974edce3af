// zdtm: {"category": "threads", "verifies": "each thread's robust list head is the one that it had set, and a child has none that it has not set"}
#include "tst.h"

#include <linux/futex.h>

#define THREADS 3

static struct robust_list_head heads[THREADS];
static tst_step *up, *go;

static void look(int n, const void *expected) {
  struct robust_list_head *head;
  size_t length;
  tst_sys(syscall(SYS_get_robust_list, 0, &head, &length));
  tst_check((void *)head == expected, "thread %d has its list at %p, not %p", n, (void *)head, expected);
  if (expected) tst_check(length == sizeof(*head), "thread %d: length %zu", n, length);
}

static void *thread(void *which) {
  int n = (int)(intptr_t)which;
  heads[n].list.next = &heads[n].list;
  tst_sys(syscall(SYS_set_robust_list, &heads[n], sizeof(heads[n])));
  tst_raise(up);
  tst_await(go, 1);
  look(n, tst_spoiling() ? NULL : &heads[n]);
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[THREADS];
  struct robust_list_head *own;
  size_t length;
  up = tst_new_step();
  go = tst_new_step();
  tst_sys(syscall(SYS_get_robust_list, 0, &own, &length));
  for (intptr_t i = 0; i < THREADS; i++) tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
  tst_await(up, THREADS);
  pid_t bare = tst_sys((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); /* no C library between: it has no list */
  if (bare == 0) {
    tst_await(go, 1);
    look(-1, NULL);
    _exit(0);
  }
  tst_ready();
  tst_set(go, 1);
  for (int i = 0; i < THREADS; i++) tst_pthread(pthread_join(ids[i], NULL));
  look(THREADS, own);
  tst_check(tst_reap(bare) == 0, "the bare child has failed");
  return tst_pass();
}
