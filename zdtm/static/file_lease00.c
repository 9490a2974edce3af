// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "read and write leases come back with their signal, and are told when somebody opens the file"}
#include "locks.h"

int main(void) {
  tst_begin();
  close(tst_sys(open("read", O_RDWR | O_CREAT, 0644)));
  int reading = tst_sys(open("read", O_RDONLY)), writing = tst_sys(open("write", O_RDWR | O_CREAT, 0644));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  sigprocmask(SIG_BLOCK, &set, NULL);
  tst_sys(fcntl(writing, F_SETSIG, SIGRTMIN + 3));
  tst_sys(fcntl(reading, F_SETLEASE, F_RDLCK));
  tst_sys(fcntl(writing, F_SETLEASE, F_WRLCK));
  tst_ready();
  TST_SPOIL tst_sys(fcntl(reading, F_SETLEASE, F_UNLCK));
  tst_check(fcntl(reading, F_GETLEASE) == F_RDLCK, "the first lease is %d", fcntl(reading, F_GETLEASE));
  tst_check(fcntl(writing, F_GETLEASE) == F_WRLCK, "the second lease is %d", fcntl(writing, F_GETLEASE));
  tst_check(open("write", O_RDONLY | O_NONBLOCK) == -1 && errno == EWOULDBLOCK, "the lease is not in the way");
  siginfo_t info;
  struct timespec at_once = {0};
  tst_check(sigtimedwait(&set, &info, &at_once) == SIGRTMIN + 3 && info.si_fd == writing, "the holder is not told");
  tst_sys(fcntl(writing, F_SETLEASE, F_UNLCK));
  tst_check(open("write", O_RDONLY | O_NONBLOCK) >= 0, "the lease does not go away");
  return tst_pass();
}
