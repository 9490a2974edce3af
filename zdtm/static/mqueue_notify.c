// zdtm: {"category": "ipc", "cc": ["-lrt"], "refused": "has to tell the tree of its next message[^]*wait in mq_receive", "verifies": "a POSIX message queue that has to tell of its next message is refused, and tells of it"}
#include "ipc.h"
#include <mqueue.h>

int main(void) {
  tst_begin();
  char name[64];
  snprintf(name, sizeof(name), "/tscriu-notify-%d", getpid());
  ipc_note("mq", name);
  mqd_t queue = tst_sys(mq_open(name, O_WRONLY | O_CREAT | O_EXCL, 0600, NULL));
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  tst_sys(mq_notify(queue, &event));
  tst_ready();
  TST_SPOIL tst_sys(mq_notify(queue, NULL));
  tst_sys(mq_send(queue, "x", 1, 0));
  siginfo_t info = {0};
  struct timespec none = {0};
  tst_check(sigtimedwait(&set, &info, &none) == SIGUSR1 && info.si_value.sival_int == 77, "it does not tell");
  return tst_pass();
}
