// zdtm: {"category": "ipc", "verifies": "tasks that change a System V segment one at a time, by a semaphore that stays with the host, never meet each other"}
#include "../lib/ipc.h"

enum { TASKS = 4, WORDS = 4096 };

static int semaphore, segment;
static tst_step *step;

static void turn(short by) {
  struct sembuf one = {.sem_op = by};
  while (semop(semaphore, &one, 1) < 0)
    if (errno != EINTR) tst_die("semop");
}

static int work(void *number) {
  uint32_t *words = (uint32_t *)ipc_attach(segment, NULL, 0), mine = (uint32_t)(intptr_t)number;
  while (step->value < 1) {
    turn(-1);
    uint32_t first = words[0];
    for (int i = 0; i < WORDS; i++) {
      tst_check(words[i] == first + (uint32_t)i, "task %u: word %d is %u beside %u", mine, i, words[i], first);
      words[i] = first + mine + (uint32_t)i;
    }
    TST_SPOIL words[9]++;
    turn(1);
  }
  return 7;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  semaphore = ipc_noted("sem", tst_sys(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600)));
  segment = ipc_segment(ipc_key(4), WORDS * sizeof(uint32_t), 0600);
  uint32_t *words = (uint32_t *)ipc_attach(segment, NULL, 0);
  for (uint32_t i = 0; i < WORDS; i++) words[i] = i;
  turn(1);
  pid_t pids[TASKS];
  for (int i = 0; i < TASKS; i++) pids[i] = tst_child(work, (void *)(intptr_t)(i + 1));
  tst_ready();
  tst_until(!tst_spoiling() || access("verdict", F_OK) == 0, "no failure comes");
  tst_set(step, 1);
  for (int i = 0; i < TASKS; i++) tst_check(WEXITSTATUS(tst_reap(pids[i])) == 7, "task %d ended otherwise", i);
  return tst_pass();
}
