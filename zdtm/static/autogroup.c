// zdtm: {"category": "misc", "verifies": "each session stays as nice to others as it was (autogroups)"}
#include "tst.h"

static tst_step *step;

/* How nice our session is; 100 where the kernel does not group sessions. */
static int nice_now(void) {
  int nice = 100;
  char *text = tst_slurp("/proc/self/autogroup", NULL), *word = strstr(text, " nice ");
  if (word) nice = atoi(word + 6);
  free(text);
  return nice;
}

static void be_nice(const char *value) {
  int fd = tst_sys(open("/proc/self/autogroup", O_WRONLY));
  tst_until(write(fd, value, strlen(value)) > 0, "the session does not become as nice as %s", value);
  close(fd);
}

static int child(void *value) {
  tst_sys(setsid());
  if (value) be_nice(value);
  tst_raise(step);
  tst_await(step, 10);
  int wanted = value ? atoi(value) : 0;
  tst_check(nice_now() == wanted, "a session of %d is as nice as %d", wanted, nice_now());
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  if (access("/proc/self/autogroup", W_OK) || nice_now() == 100) tst_skip("the kernel does not group sessions");
  be_nice("5");
  pid_t pids[] = {tst_child(child, "11"), tst_child(child, NULL)};
  tst_await(step, 2);
  tst_ready();
  TST_SPOIL be_nice("6");
  tst_check(nice_now() == 5, "the session is as nice as %d", nice_now());
  tst_set(step, 10);
  for (int i = 0; i < 2; i++) tst_check(tst_reap(pids[i]) == 0, "a child failed");
  return tst_pass();
}
