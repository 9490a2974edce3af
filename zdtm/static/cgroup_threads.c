// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "cc": ["-pthread"], "opts": ["--manage-cgroups"], "verifies": "threads in other v1 cgroups than their leader are there again"}
#include "cgroups.h"
#include <pthread.h>

static tst_step *step;
static pid_t tids[2];

static void *thread(void *at) {
  *(pid_t *)at = gettid();
  tst_raise(step);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  char *all = cgroup_make("freezer", NULL, "all"), *one = cgroup_make("freezer", all, "one");
  cgroup_enter(all, "cgroup.procs", getpid());
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) tst_pthread(pthread_create(&threads[i], NULL, thread, &tids[i]));
  tst_await(step, 2);
  cgroup_enter(one, "tasks", tids[1]);
  tst_ready();
  TST_SPOIL cgroup_enter(all, "tasks", tids[1]);
  char who[64];
  cgroup_at("self", "freezer", "-all");
  snprintf(who, sizeof(who), "self/task/%d", tids[0]);
  cgroup_at(who, "freezer", "-all");
  snprintf(who, sizeof(who), "self/task/%d", tids[1]);
  cgroup_at(who, "freezer", "-all/one");
  return tst_pass();
}
