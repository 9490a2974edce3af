// zdtm: {"category": "threads", "verifies": "a child whose first thread has ended cannot be waited for until its last thread ends"}
#include "tst.h"

static tst_step *go;

static void *thread(void *unused) {
  (void)unused;
  tst_await(go, 1);
  exit(23);
}

static int child(void *unused) {
  pthread_t id;
  tst_pthread(pthread_create(&id, NULL, thread, unused));
  pthread_exit(NULL);
}

int main(void) {
  tst_begin();
  go = tst_new_step();
  pid_t pid = tst_child(child, NULL);
  tst_until(tst_state(pid) == 'Z', "the first thread does not end");
  tst_ready();
  TST_SPOIL tst_sys(kill(pid, SIGKILL));
  tst_check(tst_spoiling() || waitpid(pid, NULL, WNOHANG) == 0, "the child counts as ended");
  tst_set(go, 1);
  int status = tst_reap(pid);
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 23, "the child ends with 0x%x", status);
  return tst_pass();
}
