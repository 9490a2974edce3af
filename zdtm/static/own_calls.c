// zdtm: {"category": "threads", "refused": "handles its own system calls", "verifies": "a program of which a thread has its calls handed back (PR_SET_SYSCALL_USER_DISPATCH) is refused and goes on, and still gets them"}
#include "tst.h"

#include <sys/prctl.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define ON 1
#define ALLOW 0
#define BLOCK 1

static volatile char selector = ALLOW;
static volatile int caught;
static tst_step *step;

static void catch(int signal) {
  (void)signal;
  selector = ALLOW;
  caught++;
}

static void *foreign(void *unused) {
  if (prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 0, 0, &selector)) tst_skip("no such dispatch: %s", strerror(errno));
  tst_set(step, 1);
  tst_await(step, 2);
  selector = BLOCK;
  TST_SPOIL selector = ALLOW;
  syscall(SYS_getppid);
  selector = ALLOW;
  tst_check(caught == 1, "its call was not handed to it");
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  struct sigaction action = {.sa_handler = catch};
  tst_sys(sigaction(SIGSYS, &action, NULL));
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, foreign, NULL));
  tst_await(step, 1);
  tst_ready();
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
