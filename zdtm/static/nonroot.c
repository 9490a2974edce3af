// zdtm: {"category": "creds", "verifies": "a process that gave up root for good comes back as that user with all it has: files, threads, signals, memory"}
#include "tst.h"

#include <grp.h>

static tst_step *step;

static void *other(void *unused) {
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(getuid() == 4321, "the thread is user %d", getuid());
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  gid_t groups[] = {4400, 4401};
  tst_sys(setgroups(2, groups));
  tst_sys(setresgid(4322, 4322, 4322));
  tst_sys(setresuid(4321, 4321, 4321));
  int fd = tst_sys(open("own", O_RDWR | O_CREAT | O_APPEND, 0600)), ends[2];
  tst_sys(write(fd, "first", 5));
  tst_sys(pipe(ends));
  tst_sys(write(ends[1], "data", 4));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  tst_sys(raise(SIGUSR1));
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL tst_sys(ftruncate(fd, 3));
  uid_t r, e, s;
  tst_sys(getresuid(&r, &e, &s));
  tst_check(r == 4321 && e == 4321 && s == 4321, "the users are %d %d %d", r, e, s);
  tst_check(tst_status(getpid(), "CapPrm", 16) == 0, "the task has capabilities");
  tst_check(setuid(0) == -1 && errno == EPERM, "the task can become root");
  char text[16] = {0};
  tst_sys(write(fd, "second", 6));
  tst_check(pread(fd, text, 15, 0) == 11 && !strcmp(text, "firstsecond"), "the file holds %s", text);
  tst_check(read(ends[0], text, 15) == 4 && !memcmp(text, "data", 4), "the pipe holds %s", text);
  struct timespec at_once = {0};
  tst_check(sigtimedwait(&set, NULL, &at_once) == SIGUSR1, "the pending signal is gone");
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
