// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "files that nobody locked have no lock afterwards, and a waiter for a lock goes on waiting"}
#include "locks.h"

static tst_step *step;

static int waiter(void *unused) {
  (void)unused;
  int fd = tst_sys(open("locked", O_RDWR));
  tst_set(step, 1);
  tst_check(flock(fd, LOCK_EX) == 0, "the waiter gets %s", strerror(errno));
  return 7;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int fd = tst_sys(open("locked", O_RDWR | O_CREAT | O_CLOEXEC, 0644)), free_one = tst_sys(open("free", O_RDWR | O_CREAT, 0644));
  pid_t pid = tst_sys(fork());
  if (pid == 0) {
    close(fd);
    tst_await(step, 5);
    _exit(waiter(NULL));
  }
  tst_sys(flock(fd, LOCK_EX));
  step->value = 0;
  tst_set(step, 5);
  tst_until(tst_state(pid) == 'S' && step->value == 1, "the child does not wait");
  tst_ready();
  TST_SPOIL tst_sys(flock(free_one, LOCK_EX));
  tst_check(!lock_held("free", LOCK_EX), "there is a lock that nobody took");
  tst_check(waitpid(pid, NULL, WNOHANG) == 0, "the waiter has not waited");
  tst_sys(flock(fd, LOCK_UN));
  tst_check(WEXITSTATUS(tst_reap(pid)) == 7, "the waiter ended otherwise");
  return tst_pass();
}
