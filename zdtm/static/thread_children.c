// zdtm: {"category": "process-tree", "verifies": "a child that a secondary thread has forked is still the child of the process, and that thread can wait for it"}
#include "tst.h"

static struct {
  tst_step ready, check, done;
} *steps;
static pid_t child_pid;

static int child(void *unused) {
  (void)unused;
  tst_await(&steps->check, 1);
  return 5;
}

static void *thread(void *unused) {
  (void)unused;
  child_pid = tst_child(child, NULL);
  tst_set(&steps->ready, 1);
  int status = tst_reap(child_pid);
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 5, "the child ends with 0x%x", status);
  tst_set(&steps->done, 1);
  return NULL;
}

int main(void) {
  tst_begin();
  steps = tst_shared(sizeof(*steps));
  pthread_t id;
  tst_pthread(pthread_create(&id, NULL, thread, NULL));
  tst_await(&steps->ready, 1);
  tst_ready();
  TST_SPOIL tst_sys(kill(child_pid, SIGKILL));
  tst_check(tst_status(child_pid, "PPid", 10) == getpid(), "the child has another parent");
  tst_set(&steps->check, 1);
  tst_await(&steps->done, 1);
  return tst_pass();
}
