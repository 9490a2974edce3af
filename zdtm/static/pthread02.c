// zdtm: {"category": "threads", "verifies": "a process whose first thread has ended comes back without it"}
#include "tst.h"

static void *thread(void *unused) {
  (void)unused;
  tst_until(tst_state(getpid()) == 'Z', "the first thread does not end");
  tst_ready();
  tst_until(tst_state(getpid()) == 'Z', "the first thread has not ended");
  tst_check((pid_t)syscall(SYS_gettid) != getpid(), "this has become the first thread");
  tst_check(tst_status(getpid(), "Threads", 10) == 2, "there are %ld threads", tst_status(getpid(), "Threads", 10));
  exit(tst_pass());
}

int main(void) {
  tst_begin();
  pthread_t id;
  tst_pthread(pthread_create(&id, NULL, thread, NULL));
  pthread_exit(NULL);
}
