// zdtm: {"category": "tty", "verifies": "both ends of a pty tell who wants to know that there is something to read"}
#include "terminal.h"

static volatile sig_atomic_t fds[2];

static void on_io(int number, siginfo_t *info, void *context) {
  (void)context;
  fds[number == SIGUSR1] = info->si_fd;
}

static void tell(int fd, int number) {
  tst_sys(fcntl(fd, F_SETOWN, getpid()));
  tst_sys(fcntl(fd, F_SETSIG, number));
  tst_sys(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
}

int main(void) {
  tst_begin();
  int master = tty_master(O_RDWR), slave = tty_slave(master, O_RDWR);
  tty_raw(slave);
  struct sigaction action = {.sa_sigaction = on_io, .sa_flags = SA_SIGINFO | SA_RESTART};
  tst_sys(sigaction(SIGUSR1, &action, NULL));
  tst_sys(sigaction(SIGUSR2, &action, NULL));
  tell(master, SIGUSR1);
  tell(slave, SIGUSR2);
  tst_ready();
  TST_SPOIL tst_sys(fcntl(slave, F_SETSIG, SIGUSR1));
  tst_check(fcntl(master, F_GETSIG) == SIGUSR1 && fcntl(slave, F_GETSIG) == SIGUSR2, "the signals are others");
  fds[0] = fds[1] = -1;
  tty_say(master, "down");
  tst_until(fds[0] == slave, "the slave tells of descriptor %d", fds[0]);
  tty_hear(slave, "down");
  tty_say(slave, "up");
  tst_until(fds[1] == master, "the master tells of descriptor %d", fds[1]);
  tty_hear(master, "up");
  return tst_pass();
}
