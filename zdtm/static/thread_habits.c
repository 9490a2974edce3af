// zdtm: {"category": "threads", "verifies": "of each thread come back on which nodes its memory comes, whether it may read the time stamp counter, and how it is told of broken memory"}
#include "tst.h"

#define DEFAULT_KILL 2
#define NO_COUNTER 2
#define INTERLEAVE 3
#define LOCAL 4
#define STATIC_NODES (1 << 15)

static tst_step *step;

struct habits {
  int counter, kill, mode;
  unsigned long nodes;
};

static struct habits now(void) {
  struct habits all = {0};
  unsigned long nodes[16] = {0};
  if (prctl(PR_GET_TSC, &all.counter)) all.counter = 0;
  all.kill = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
  if (syscall(SYS_get_mempolicy, &all.mode, nodes, 8 * sizeof nodes, NULL, 0)) all.mode = 0;
  all.nodes = nodes[0];
  return all;
}

static void set(int counter, int kill, int mode) {
  unsigned long nodes = 1;
  prctl(PR_SET_TSC, counter); /* x86 alone has it */
  tst_sys(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, kill, 0, 0));
  int none = mode == LOCAL || mode == 0;
  if (syscall(SYS_set_mempolicy, mode, none ? NULL : &nodes, none ? 0 : 64) && errno != ENOSYS) tst_die("set_mempolicy");
}

static void same(struct habits before, const char *who) {
  struct habits after = now();
  tst_check(after.counter == before.counter, "the %s's counter is %d", who, after.counter);
  tst_check(after.kill == before.kill, "the %s is told %d", who, after.kill);
  tst_check(after.mode == before.mode && after.nodes == before.nodes, "the %s's policy is %x of %lx, was %x of %lx", who,
            after.mode, after.nodes, before.mode, before.nodes);
}

static void *other(void *unused) {
  set(PR_TSC_ENABLE, PR_MCE_KILL_LATE, INTERLEAVE | STATIC_NODES);
  struct habits before = now();
  tst_set(step, 1);
  tst_await(step, 3);
  same(before, "first thread");
  return unused;
}

static void *third(void *unused) {
  set(NO_COUNTER, DEFAULT_KILL, LOCAL);
  struct habits before = now();
  tst_set(step, 2);
  tst_await(step, 3);
  same(before, "second thread");
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pthread_t threads[2];
  tst_pthread(pthread_create(&threads[0], NULL, other, NULL));
  tst_await(step, 1);
  tst_pthread(pthread_create(&threads[1], NULL, third, NULL));
  tst_await(step, 2);
  set(NO_COUNTER, PR_MCE_KILL_EARLY, INTERLEAVE);
  struct habits before = now();
  tst_ready();
  TST_SPOIL set(PR_TSC_ENABLE, PR_MCE_KILL_LATE, 0);
  same(before, "leader");
  tst_set(step, 3);
  for (int i = 0; i < 2; i++) tst_pthread(pthread_join(threads[i], NULL));
  return tst_pass();
}
