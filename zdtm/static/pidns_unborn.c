// zdtm: {"category": "pidns", "verifies": "pid namespaces in which nobody was born yet, and those whose init has ended or is a zombie, are as they were", "needs": ["root"]}
#include "pidns.h"

static tst_step *ready, *go;

static int empty(void *argument) {
  (void)argument;
  return 0;
}

static int says_pid(void *argument) {
  (void)argument;
  return getpid() == 1 ? 1 : 2;
}

/* Its first child will be an init. */
static int waits(void *argument) {
  (void)argument;
  tst_sys(unshare(CLONE_NEWPID));
  tst_raise(ready);
  tst_await(go, 1);
  TST_SPOIL return 1;
  tst_check(tst_reap(tst_child(says_pid, NULL)) == 1 << 8, "the first child is no init");
  return 0;
}

/* Nobody can be born there any more. */
static int late(void *reaps) {
  tst_sys(unshare(CLONE_NEWPID));
  pid_t init = tst_child(empty, NULL);
  siginfo_t info;
  tst_sys(waitid(P_PID, (id_t)init, &info, WEXITED | WNOWAIT));
  if (reaps) tst_reap(init);
  tst_raise(ready);
  tst_await(go, 1);
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  tst_check(pid < 0 && errno == ENOMEM, "a child was born behind its init's end");
  if (!reaps) tst_check(tst_reap(init) == 0, "the init's end is another one");
  return 0;
}

/* The zombie of an init, whose parent's other children live outside. */
static int parent(void *argument) {
  pid_t init = pidns_child(CLONE_NEWPID, says_pid, argument);
  siginfo_t info;
  tst_sys(waitid(P_PID, (id_t)init, &info, WEXITED | WNOWAIT));
  tst_raise(ready);
  tst_await(go, 1);
  tst_check(tst_reap(init) == 1 << 8, "the init's end is another one");
  tst_check(tst_reap(tst_child(says_pid, argument)) == 2 << 8, "the next child is an init");
  return 0;
}

int main(void) {
  tst_begin();
  ready = tst_new_step();
  go = tst_new_step();
  pid_t all[] = {tst_child(waits, NULL), tst_child(late, NULL), tst_child(late, "reaps"), tst_child(parent, NULL)};
  tst_await(ready, 4);
  tst_ready();
  tst_set(go, 1);
  for (int i = 0; i < 4; i++) tst_check(tst_reap(all[i]) == 0, "task %d fails", i);
  return tst_pass();
}
