// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "cc": ["-pthread"], "opts": ["--manage-cgroups=full"], "verifies": "threads of a threaded v2 subtree are in their own cgroups again"}
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
  char *all = cgroup_make("", NULL, "all"), *one = cgroup_make("", all, "one"), *two = cgroup_make("", all, "two");
  cgroup_write(one, "cgroup.type", "threaded");
  cgroup_write(two, "cgroup.type", "threaded");
  cgroup_enter(all, "cgroup.procs", getpid());
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) tst_pthread(pthread_create(&threads[i], NULL, thread, &tids[i]));
  tst_await(step, 2);
  cgroup_enter(one, "cgroup.threads", tids[0]);
  cgroup_enter(two, "cgroup.threads", tids[1]);
  tst_ready();
  TST_SPOIL cgroup_enter(one, "cgroup.threads", tids[1]);
  char who[64];
  cgroup_at("self", "", "-all");
  snprintf(who, sizeof(who), "self/task/%d", tids[0]);
  cgroup_at(who, "", "-all/one");
  snprintf(who, sizeof(who), "self/task/%d", tids[1]);
  cgroup_at(who, "", "-all/two");
  return tst_pass();
}
