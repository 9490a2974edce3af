// zdtm: {"category": "creds", "verifies": "keyrings of a process and of its first thread come back, with what is in them; who has none gets none"}
#include "tst.h"
#include "keys.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(keyctl(0, KEY_PROCESS, 0, 0) == -1 && errno == ENOKEY, "the child has a process keyring");
  tst_check(keyctl(0, KEY_THREAD, 0, 0) == -1 && errno == ENOKEY, "the child has a thread keyring");
  tst_check(found("user", "tscriu:process") == -1, "the child has its parent's keys");
  return 0;
}

static void *thread(void *unused) {
  (void)unused;
  tst_await(step, 2);
  holds("tscriu:process", "for all threads");
  tst_check(found("user", "tscriu:thread") == -1, "the thread has the key of the first one");
  return NULL;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  new_session("tscriu, without anything");
  long shared = add_key("user", "tscriu:process", "for all threads", KEY_PROCESS);
  pthread_t other;
  tst_pthread(pthread_create(&other, NULL, thread, NULL));
  add_key("user", "tscriu:thread", "for one", KEY_THREAD);
  tst_sys(keyctl(8, shared, KEY_THREAD, 0));
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL keyctl(15, found("user", "tscriu:thread"), 1, 0), sleep(2);
  holds("tscriu:process", "for all threads");
  holds("tscriu:thread", "for one");
  int32_t in[4];
  tst_check(tst_sys(keyctl(11, KEY_THREAD, (long)in, sizeof in)) == 8, "the thread keyring is not as it was");
  tst_check(tst_sys(keyctl(11, KEY_SESSION, (long)in, sizeof in)) == 0, "the session keyring holds something");
  tst_set(step, 2);
  tst_pthread(pthread_join(other, NULL));
  tst_check(tst_reap(pid) == 0, "the child has failed");
  return tst_pass();
}
