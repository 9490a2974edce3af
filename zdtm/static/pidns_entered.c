// zdtm: {"category": "pidns", "verifies": "tasks that entered a pid namespace by setns or unshare come back into it, and so do the next children of those who did", "needs": ["root"]}
#include "pidns.h"

static tst_step *ready, *go, *done, *end;
static pid_t init;

struct born {
  pid_t pid;
  struct pidns_self self;
};
static struct born *later;

static int stays(void *who) {
  struct pidns_self was = pidns_self();
  tst_raise(ready);
  tst_await(go, 1);
  pidns_same(&was, who);
  tst_raise(done);
  return 0;
}

/* With it all end that live there. */
static int leads(void *who) {
  stays(who);
  tst_await(end, 1);
  return 0;
}

static int tells(void *place) {
  *(struct pidns_self *)place = pidns_self();
  return 0;
}

/* Its children live there, it does not. */
static void bears(struct born *one) {
  one->pid = tst_child(tells, &one->self);
  tst_check(tst_reap(one->pid) == 0, "a child fails");
}

static int visitor(void *argument) {
  pidns_enter(init);
  pid_t inside = tst_child(stays, "a visitor's child");
  tst_check(pidns_of(inside, "pid") == pidns_of(init, "pid"), "the child was born elsewhere");
  stays(argument);
  bears(&later[0]);
  return tst_reap(inside);
}

/* Its child stays behind, with nobody of that namespace above it. */
static int leaves(void *argument) {
  (void)argument;
  pidns_enter(init);
  tst_child(stays, "who was left behind");
  return 0;
}

static int back(void *argument) {
  int home = tst_sys(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  pidns_enter(init);
  pid_t inside = tst_child(stays, "the child of one who came back");
  tst_sys(setns(home, CLONE_NEWPID));
  close(home);
  stays(argument);
  bears(&later[1]);
  return tst_reap(inside);
}

int main(void) {
  tst_begin();
  tst_sys(prctl(PR_SET_CHILD_SUBREAPER, 1));
  ready = tst_new_step();
  go = tst_new_step();
  done = tst_new_step();
  end = tst_new_step();
  later = tst_shared(tst_page());
  tst_sys(unshare(CLONE_NEWPID));
  init = tst_child(leads, "the init");
  pid_t second = tst_child(stays, "the second one");
  int home = tst_sys(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  tst_sys(setns(home, CLONE_NEWPID));
  close(home);
  pid_t visits = tst_child(visitor, "a visitor"), returns = tst_child(back, "one who came back");
  tst_check(tst_reap(tst_child(leaves, NULL)) == 0, "nobody is left behind");
  pidns_enter(init);
  tst_await(ready, 7);
  tst_ready();
  TST_SPOIL {
    home = tst_sys(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
    tst_sys(setns(home, CLONE_NEWPID));
    close(home);
  }
  ino_t inside = pidns_of(init, "pid"), own = pidns_of(getpid(), "pid");
  tst_check(pidns_of(getpid(), "pid_for_children") == inside && inside != own, "the next children are born elsewhere");
  tst_check(pidns_of(second, "pid") == inside, "the second one lives elsewhere");
  tst_check(pidns_of(visits, "pid") == own && pidns_of(visits, "pid_for_children") == inside, "the visitor's are elsewhere");
  tst_check(pidns_of(returns, "pid") == own && pidns_of(returns, "pid_for_children") == own, "who came back did not");
  bears(&later[2]);
  tst_set(go, 1);
  tst_await(done, 7);
  tst_check(tst_reap(visits) == 0 && tst_reap(returns) == 0 && tst_reap(second) == 0, "one of them fails");
  tst_check(later[0].self.pid != later[0].pid && later[0].self.ppid == 0, "the visitor's next child was born outside");
  tst_check(later[1].self.pid == later[1].pid && later[1].self.ppid == returns, "the other's next child was born inside");
  tst_check(later[2].self.pid != later[2].pid && later[2].self.ppid == 0, "the next child was born outside");
  tst_set(end, 1);
  while (wait(NULL) > 0) continue;
  return tst_pass();
}
