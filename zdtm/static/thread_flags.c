// zdtm: {"category": "threads", "needs": ["root"], "verifies": "threads that serve a disk are still known as such, and what they may not do speculatively stays forbidden"}
#include "tst.h"
#include <linux/prctl.h>

static tst_step *step;

struct flags {
  int flusher, control[2];
};

static struct flags now(void) {
  struct flags all = {prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0), {0}};
  for (int i = 0; i < 2; i++) all.control[i] = prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0);
  return all;
}

static void same(struct flags before, const char *who) {
  struct flags after = now();
  tst_check(after.flusher == before.flusher, "the %s serves a disk: %d, was %d", who, after.flusher, before.flusher);
  for (int i = 0; i < 2; i++)
    tst_check(after.control[i] == before.control[i], "%d of the %s is %x, was %x", i, who, after.control[i],
              before.control[i]);
}

static void *other(void *unused) {
  prctl(PR_SET_IO_FLUSHER, 0, 0, 0, 0);
  prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_FORCE_DISABLE, 0, 0);
  prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_ENABLE, 0, 0);
  struct flags before = now();
  tst_set(step, 1);
  tst_await(step, 2);
  same(before, "other thread");
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  struct flags fresh = now();
  prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
  for (int i = 0; i < 2; i++) prctl(PR_SET_SPECULATION_CTRL, i, PR_SPEC_DISABLE, 0, 0);
  struct flags before = now();
  if (!memcmp(&fresh, &before, sizeof before)) tst_skip("nothing of it can be set here");
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL {
    prctl(PR_SET_IO_FLUSHER, 0, 0, 0, 0);
    for (int i = 0; i < 2; i++) prctl(PR_SET_SPECULATION_CTRL, i, PR_SPEC_ENABLE, 0, 0);
  }
  same(before, "first thread");
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
