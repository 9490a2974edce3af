// zdtm: {"category": "rseq", "env": {"GLIBC_TUNABLES": ""}, "except": {"memory": "the kernel writes CPU numbers into the area"}, "verifies": "the C library's own rseq registration goes on in the leader and in threads, so that sched_getcpu can trust it"}
#include "tst.h"

#include <sys/rseq.h>

static tst_step *step;

static void verify(const char *who) {
  struct rseq *mine = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
  cpu_set_t set;
  tst_sys(sched_getaffinity(0, sizeof(set), &set));
  TST_SPOIL tst_sys(syscall(SYS_rseq, mine, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &set)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    tst_sys(sched_setaffinity(0, sizeof(one), &one));
    tst_check((int)mine->cpu_id == cpu && sched_getcpu() == cpu, "%s: on CPU %d the area says %d", who, cpu,
              (int)mine->cpu_id);
  }
}

static void *other(void *unused) {
  tst_set(step, 1);
  tst_await(step, 2);
  verify("thread");
  return unused;
}

int main(void) {
  tst_begin();
  if (__rseq_size == 0) tst_skip("the C library has not registered rseq");
  step = tst_new_step();
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  tst_ready();
  verify("leader");
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
