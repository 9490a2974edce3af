// zdtm: {"category": "pidns", "verifies": "tasks in pid namespaces inside of pid namespaces keep their numbers in each, with sessions, groups, threads, zombies and orphans there", "needs": ["root"]}
#include "pidns.h"

/* Who says that it is there. */
enum { SAY = 6 };

static tst_step *ready, *go, *done;

static int stays(const char *who) {
  struct pidns_self was = pidns_self();
  tst_raise(ready);
  tst_await(go, 1);
  pidns_same(&was, who);
  tst_raise(done);
  return 0;
}

static int leads(void *argument) {
  (void)argument;
  tst_sys(setsid());
  return stays("the leader of a session");
}

static int groups(void *argument) {
  (void)argument;
  tst_sys(setpgid(0, 0));
  return stays("the leader of a group");
}

static int orphan(void *argument) {
  (void)argument;
  tst_until(getppid() == 1, "the init does not adopt its orphan");
  return stays("an orphan");
}

static int abandons(void *argument) {
  tst_sys(setsid());
  tst_child(orphan, argument);
  return 0;
}

static int dies(void *argument) {
  (void)argument;
  return 7;
}

static void *threads(void *argument) {
  pid_t own = (pid_t)syscall(SYS_gettid);
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
  event._sigev_un._tid = own;
  timer_t timer;
  struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  tst_sys(sigprocmask(SIG_BLOCK, &signals, NULL));
  tst_sys(timer_create(CLOCK_MONOTONIC, &event, &timer));
  tst_raise(ready);
  tst_await(go, 1);
  tst_check(syscall(SYS_gettid) == own, "a thread's id is %ld, was %d", syscall(SYS_gettid), own);
  tst_sys(timer_settime(timer, 0, &soon, NULL));
  tst_check(sigwaitinfo(&signals, NULL) == SIGUSR1, "the timer of a thread tells another one");
  tst_raise(done);
  return argument;
}

/* With it its thread and child end. */
static int innermost(void *argument) {
  pthread_t thread;
  tst_check(getpid() == 1 && getppid() == 0, "no init");
  tst_child(leads, argument);
  tst_pthread(pthread_create(&thread, NULL, threads, NULL));
  stays("the innermost init");
  tst_await(done, SAY);
  return 0;
}

static int inner(void *argument) {
  tst_check(getpid() == 1, "no init");
  tst_sys(setsid());
  tst_child(groups, argument);
  tst_reap(tst_child(abandons, argument));
  pid_t zombie = tst_child(dies, argument);
  siginfo_t info;
  tst_sys(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT));
  pidns_child(CLONE_NEWPID, innermost, argument);
  stays("the init");
  tst_check(tst_reap(zombie) == 7 << 8, "the zombie is another");
  /* with it all end */
  tst_await(done, SAY);
  tst_raise(done);
  return 0;
}

int main(void) {
  tst_begin();
  ready = tst_new_step();
  go = tst_new_step();
  done = tst_new_step();
  pid_t init = pidns_child(CLONE_NEWPID, inner, NULL);
  tst_await(ready, SAY);
  tst_ready();
  TST_SPOIL tst_sys(kill(init, SIGKILL));
  tst_check(pidns_of(init, "pid") != pidns_of(getpid(), "pid"), "the init lives with its parent");
  tst_check(pidns_of(init, "pid_for_children") == pidns_of(init, "pid"), "the init's children are born elsewhere");
  tst_set(go, 1);
  tst_check(tst_reap(init) == 0, "the init fails");
  tst_check(done->value == SAY + 1, "only %d of them say that all is well", done->value);
  return tst_pass();
}
