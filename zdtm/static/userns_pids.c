// zdtm: {"category": "ns", "needs": ["root"], "cc": ["-pthread"], "verifies": "pid namespaces that belong to user namespaces inside of the tree's, one in the other, belong to them again: numbers of tasks and threads in all of them, and what their inits may"}
#include "userns.h"

/* What /proc calls the one who leaves. */
static pid_t *shown;
static tst_step *left[2], *mapped[2], *ready, *go, *done;

static void *threads(void *unused) {
  pid_t own = (pid_t)syscall(SYS_gettid);
  tst_raise(ready);
  tst_await(go, 1);
  tst_check(syscall(SYS_gettid) == own, "a thread's id is %ld, was %d", syscall(SYS_gettid), own);
  tst_raise(done);
  return unused;
}

static void stays(const char *who) {
  userns_stays(ready, go, who);
  tst_check(userns_inode("/proc/thread-self/ns/pid", USERNS_OWNER) == userns_inode("/proc/thread-self/ns/user", 0),
            "%s: the pid namespace belongs to another user namespace", who);
  tst_raise(done);
}

static int last(void *who) {
  stays(who);
  tst_sleep();
}

static int inner_init(void *argument) {
  pthread_t thread;
  tst_check(getpid() == 1, "no init");
  tst_sys(setsid());
  tst_child(last, "a child of the inner init");
  tst_pthread(pthread_create(&thread, NULL, threads, NULL));
  stays("the inner init");
  (void)argument;
  tst_sleep();
}

static int outer_init(void *argument) {
  tst_check(getpid() == 1, "no init");
  tst_child(last, "a child of the outer init");
  /* who leaves stays in this pid namespace: only the next children are born in the other */
  tst_child((int (*)(void *))argument, (void *)1);
  tst_await(left[1], 1);
  userns_map(*shown, "0 3 4\n", "0 4 4\n");
  tst_set(mapped[1], 1);
  stays("the outer init");
  TST_SPOIL userns_write(getpid(), "oom_score_adj", "nonsense");
  tst_sleep();
}

static int leaves(void *depth) {
  int turn = depth ? 1 : 0;
  char self[32] = "";
  tst_sys(readlink("/proc/self", self, sizeof(self) - 1));
  *shown = atoi(self);
  userns_leave(CLONE_NEWPID, left[turn], mapped[turn], 1);
  tst_child(turn ? inner_init : outer_init, (void *)leaves);
  struct pidns_self was = pidns_self();
  tst_raise(ready);
  tst_await(go, 1);
  pidns_same(&was, "who left");
  tst_raise(done);
  tst_sleep();
}

int main(void) {
  tst_begin();
  for (int i = 0; i < 2; i++) left[i] = tst_new_step(), mapped[i] = tst_new_step();
  shown = tst_shared(tst_page());
  ready = tst_new_step(), go = tst_new_step(), done = tst_new_step();
  pid_t pid = tst_child(leaves, NULL);
  tst_await(left[0], 1);
  userns_map(pid, "0 1000 10\n", "0 2000 10\n");
  tst_set(mapped[0], 1);
  tst_await(ready, 7);
  tst_ready();
  tst_set(go, 1);
  tst_until(done->value == 7 || tst_state(pid) == 'Z', "not all of them say that all is well");
  tst_check(done->value == 7, "somebody failed, see the output");
  return tst_pass();
}
