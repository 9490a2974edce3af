// zdtm: {"category": "process-tree", "verifies": "zombies give the exit codes and the signals that they died of"}
#include "tst.h"

static const struct {
  int code, signal;
} ends[] = {{0, 0}, {1, 0}, {42, 0}, {255, 0}, {0, SIGKILL}, {0, SIGTERM}, {0, SIGHUP}, {0, SIGUSR1}, {0, 40}, {0, SIGALRM}};
#define COUNT ((int)(sizeof(ends) / sizeof(*ends)))

static int child(void *which) {
  int i = (int)(intptr_t)which;
  if (ends[i].signal) {
    signal(ends[i].signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    kill(getpid(), ends[i].signal);
  }
  return ends[i].code;
}

int main(void) {
  tst_begin();
  pid_t pids[COUNT];
  for (int i = 0; i < COUNT; i++) {
    pids[i] = tst_child(child, (void *)(intptr_t)i);
    tst_until(tst_state(pids[i]) == 'Z', "child %d does not end", i);
  }
  tst_ready();
  TST_SPOIL tst_reap(pids[3]);
  for (int i = 0; i < COUNT; i++) {
    siginfo_t info;
    tst_sys(waitid(P_PID, (id_t)pids[i], &info, WEXITED | WNOWAIT));
    tst_check(info.si_uid == getuid() && info.si_pid == pids[i], "child %d is reported with uid %d", i, info.si_uid);
    int status = tst_reap(pids[i]);
    if (ends[i].signal)
      tst_check(WIFSIGNALED(status) && WTERMSIG(status) == ends[i].signal, "child %d ends with 0x%x", i, status);
    else tst_check(WIFEXITED(status) && WEXITSTATUS(status) == ends[i].code, "child %d ends with 0x%x", i, status);
  }
  return tst_pass();
}
