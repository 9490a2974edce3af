// zdtm: {"flavours": ["h"], "category": "ipc", "needs": ["root"], "verifies": "System V semaphores of an ipc namespace keep ids, keys, owners and values, and who waits for one is woken"}
#include "ipc.h"

enum { SETS = 4, SEMAPHORES = 9 };
static int ids[SETS];

static int child(void *unused) {
  (void)unused;
  struct sembuf take = {.sem_num = 3, .sem_op = -1000};
  while (semop(ids[0], &take, 1) < 0)
    if (errno != EINTR) tst_die("semop");
  return 7;
}

int main(void) {
  tst_begin();
  ipc_alone();
  unsigned short values[SETS][SEMAPHORES], now[SEMAPHORES];
  for (int i = 0; i < SETS; i++) {
    tst_sys(semctl(tst_sys(semget(IPC_PRIVATE, 1, IPC_CREAT)), 0, IPC_RMID));
    ids[i] = tst_sys(semget(i ? 0x600 + i : IPC_PRIVATE, SEMAPHORES, IPC_CREAT | IPC_EXCL | 0640));
    for (int k = 0; k < SEMAPHORES; k++) values[i][k] = (unsigned short)(k == 8 ? 32767 : i * 100 + k * 7);
    tst_sys(semctl(ids[i], 0, SETALL, values[i]));
  }
  pid_t pid = tst_child(child, NULL);
  tst_until(semctl(ids[0], 3, GETNCNT) == 1, "nobody waits");
  tst_ready();
  TST_SPOIL tst_sys(semctl(ids[2], 4, SETVAL, 1));
  for (int i = 0; i < SETS; i++) {
    struct semid_ds state;
    tst_check(semctl(ids[i], 0, IPC_STAT, &state) == 0, "set %d is gone", i);
    tst_check(state.sem_perm.__key == (i ? 0x600 + i : IPC_PRIVATE) && (state.sem_perm.mode & 0777) == 0640 &&
                  state.sem_nsems == SEMAPHORES,
              "set %d has key %x and mode %o", i, state.sem_perm.__key, state.sem_perm.mode);
    tst_sys(semctl(ids[i], 0, GETALL, now));
    tst_check(memcmp(now, values[i], sizeof(now)) == 0, "set %d has other values", i);
  }
  tst_until(semctl(ids[0], 3, GETNCNT) == 1, "nobody waits any more");
  struct sembuf give = {.sem_num = 3, .sem_op = 1000};
  tst_sys(semop(ids[0], &give, 1));
  tst_check(WEXITSTATUS(tst_reap(pid)) == 7, "the child was not woken");
  return tst_pass();
}
