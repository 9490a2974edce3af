// zdtm: {"category": "misc", "verifies": "names (whatever bytes they are of), timer slack, io priority and core filter of threads and tasks come back"}
#include "tst.h"

/* A byte that is no text, a letter of two bytes, and the first two of three of another one, as where a name is cut. */
#define BYTES "\xffna\xc3\xafve \xe4\xb8"

static tst_step *step;

static void *other(void *unused) {
  char name[32] = {0};
  tst_sys(prctl(PR_SET_NAME, BYTES));
  tst_sys(prctl(PR_SET_TIMERSLACK, 123456));
  tst_sys(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));
  tst_set(step, 1);
  tst_await(step, 2);
  tst_sys(prctl(PR_GET_NAME, name));
  tst_check(!strcmp(name, BYTES), "the thread's name is %s", name);
  tst_check(prctl(PR_GET_TIMERSLACK) == 123456, "the thread's slack is %d", prctl(PR_GET_TIMERSLACK));
  tst_check(syscall(SYS_ioprio_get, 1, 0) == (2 << 13 | 6), "the thread's io priority is %lx",
            (unsigned long)syscall(SYS_ioprio_get, 1, 0));
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  tst_sys(prctl(PR_SET_NAME, "(odd) name\n"));
  int fd = tst_sys(open("/proc/self/coredump_filter", O_WRONLY));
  tst_sys(write(fd, "0x5a", 4));
  close(fd);
  int slack = prctl(PR_GET_TIMERSLACK);
  tst_ready();
  TST_SPOIL tst_sys(prctl(PR_SET_NAME, "(odd) name"));
  char name[32] = {0};
  tst_sys(prctl(PR_GET_NAME, name));
  tst_check(!strcmp(name, "(odd) name\n"), "the name is %s", name);
  tst_check(prctl(PR_GET_TIMERSLACK) == slack, "the slack is %d", prctl(PR_GET_TIMERSLACK));
  tst_check(strtol(tst_slurp("/proc/self/coredump_filter", NULL), NULL, 16) == 0x5a, "the core filter is wrong");
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
