// zdtm: {"category": "files", "verifies": "the owner of a descriptor's signals, process, group or thread, comes back with its signal and users"}
#include "tst.h"

static int make(int *other, int signal_number) {
  int ends[2];
  tst_sys(pipe2(ends, O_NONBLOCK));
  tst_sys(fcntl(ends[0], F_SETSIG, signal_number));
  *other = ends[1];
  return ends[0];
}

int main(void) {
  tst_begin();
  int others[3], fds[3];
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < 3; i++) sigaddset(&set, SIGRTMIN + i);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < 3; i++) fds[i] = make(&others[i], SIGRTMIN + i);
  struct f_owner_ex owners[] = {{F_OWNER_PID, getpid()}, {F_OWNER_PGRP, getpgrp()}, {F_OWNER_TID, gettid()}};
  tst_sys(setresuid(-1u, 2000, 0)); /* the owner's users are those of this moment */
  for (int i = 0; i < 3; i++) {
    tst_sys(fcntl(fds[i], F_SETOWN_EX, &owners[i]));
    tst_sys(setresuid(-1u, 0, -1u));
    tst_sys(fcntl(fds[i], F_SETFL, O_ASYNC | O_NONBLOCK));
  }
  tst_ready();
  TST_SPOIL tst_sys(fcntl(fds[1], F_SETOWN, 0));
  for (int i = 0; i < 3; i++) {
    struct f_owner_ex owner;
    uid_t users[2];
    tst_sys(fcntl(fds[i], F_GETOWN_EX, &owner));
    tst_check(owner.type == owners[i].type && owner.pid == owners[i].pid, "owner %d is %d of type %d", i, owner.pid,
              owner.type);
    tst_check(fcntl(fds[i], F_GETSIG) == SIGRTMIN + i, "signal %d is %d", i, fcntl(fds[i], F_GETSIG));
    tst_check(fcntl(fds[i], 17 /* F_GETOWNER_UIDS */, users) == -1 || (users[0] == 0 && users[1] == (i ? 0 : 2000)),
              "the users of owner %d are %d and %d", i, users[0], users[1]);
    tst_check(fcntl(fds[i], F_GETFL) & O_ASYNC, "the flag of %d is lost", i);
    if (i == 0) continue; /* another user could not be told */
    siginfo_t info;
    struct timespec at_once = {0};
    tst_sys(write(others[i], "x", 1));
    tst_check(sigtimedwait(&set, &info, &at_once) == SIGRTMIN + i && info.si_fd == fds[i], "owner %d is not told", i);
  }
  return tst_pass();
}
