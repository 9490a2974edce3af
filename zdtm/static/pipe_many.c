// zdtm: {"category": "pipes", "verifies": "every way in which four tasks can hold the two ends of a pipe comes back"}
#include "tst.h"

enum { TASKS = 4, PIPES = 1 << TASKS };
static int ends[PIPES][2];
static tst_step *step, *answer;

/* Task t reads pipe p when bit t of p is set, and writes the pipe whose number is the complement. */
static void keep_own(int task) {
  for (int p = 0; p < PIPES; p++) {
    if (!(p >> task & 1)) close(ends[p][0]);
    if (p >> task & 1) close(ends[p][1]);
  }
}

static void verify(int task) {
  for (int p = 0; p < PIPES; p++) {
    int kept = ends[p][p >> task & 1 ? 0 : 1], other = ends[p][p >> task & 1 ? 1 : 0];
    tst_check(fcntl(kept, F_GETFL) == (p >> task & 1 ? O_RDONLY : O_WRONLY), "task %d: pipe %d is %d", task, p,
              fcntl(kept, F_GETFL));
    tst_check(fcntl(other, F_GETFD) == -1, "task %d has an end of pipe %d too many", task, p);
  }
}

static int member(void *number) {
  int task = (int)(intptr_t)number;
  keep_own(task);
  tst_set(answer, task);
  tst_await(step, 10 + task);
  verify(task);
  char text[4] = {(char)task};
  for (int p = 0; p < PIPES; p++)
    if (!(p >> task & 1) && p) tst_sys(write(ends[p][1], text, 1));
  tst_set(answer, task);
  tst_await(step, 100);
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  answer = tst_new_step();
  for (int p = 0; p < PIPES; p++) tst_sys(pipe(ends[p]));
  for (int t = 1; t < TASKS; t++) {
    tst_child(member, (void *)(intptr_t)t);
    tst_await(answer, t);
  }
  keep_own(0);
  answer->value = 0;
  signal(SIGPIPE, SIG_IGN);
  tst_ready();
  TST_SPOIL close(ends[7][0]);
  verify(0);
  for (int t = 1; t < TASKS; t++) {
    tst_set(step, 10 + t);
    tst_await(answer, t);
    for (int p = 1; p < PIPES; p += 2) {
      if (p >> t & 1) continue;
      char text = 0;
      tst_check(read(ends[p][0], &text, 1) == 1 && text == t, "pipe %d gives %d, not %d", p, text, t);
    }
  }
  tst_check(write(ends[0][1], "x", 1) == -1 && errno == EPIPE, "the pipe that nobody reads takes a byte");
  return tst_pass();
}
