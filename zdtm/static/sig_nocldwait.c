// zdtm: {"category": "signals", "verifies": "with SA_NOCLDWAIT no child that ends after the restore is left a zombie; without SA_NOCLDSTOP a stop is told"}
#include "tst.h"

static tst_step *step;
static volatile int stops;

static void on_child(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  if (info->si_code == CLD_STOPPED) stops++;
}

static int wait_and_end(void *unused) {
  (void)unused;
  tst_await(step, 1);
  return 3;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_NOCLDWAIT | SA_SIGINFO | SA_RESTART};
  tst_sys(sigaction(SIGCHLD, &action, NULL));
  pid_t child = tst_child(wait_and_end, NULL);
  tst_until(tst_state(child) == 'S', "the child does not sleep");
  tst_ready();
  TST_SPOIL signal(SIGCHLD, SIG_DFL);
  tst_sys(kill(child, SIGSTOP));
  tst_until(tst_state(child) == 'T', "the child does not stop");
  tst_sys(kill(child, SIGCONT));
  tst_set(step, 1);
  tst_check(waitpid(child, NULL, 0) == -1 && errno == ECHILD, "the child was left to be waited for");
  tst_check(stops == 1, "%d stops were told", stops);
  return tst_pass();
}
