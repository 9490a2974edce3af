// zdtm: {"category": "ipc", "needs": ["root", "hugepages"], "except": {"status HugetlbPages": "counts the pages that were touched, not those that exist"}, "verifies": "a System V segment on huge pages keeps its id, its size and its bytes"}
#include "ipc.h"

enum { HUGE = 2 << 20 };

int main(void) {
  tst_begin();
  int id = shmget(IPC_PRIVATE, 2 * HUGE, IPC_CREAT | SHM_HUGETLB | 0600);
  if (id < 0) tst_skip("no segment on huge pages: %s", strerror(errno));
  ipc_noted("shm", id);
  uint8_t *at = ipc_attach(id, NULL, 0);
  tst_fill(at + HUGE, HUGE, 4);
  /* one that goes with its user, and has to be made again */
  int other = ipc_segment(IPC_PRIVATE, HUGE, SHM_HUGETLB | 0600);
  uint8_t *gone = ipc_attach(other, NULL, 0);
  tst_fill(gone, HUGE, 5);
  tst_sys(shmctl(other, IPC_RMID, NULL));
  tst_ready();
  TST_SPOIL gone[HUGE - 1]++;
  tst_check(tst_vmflag(at, "ht") && tst_vmflag(gone, "ht"), "they lie on small pages");
  tst_check(at[0] == 0 && tst_differs(at + HUGE, HUGE, 4) < 0, "the segment is wrong");
  tst_check(tst_differs(gone, HUGE, 5) < 0, "the removed segment is wrong");
  tst_check(ipc_stat(id).shm_segsz == 2 * HUGE, "it has %zu bytes", ipc_stat(id).shm_segsz);
  tst_check(ipc_stat(other).shm_nattch == 1, "the removed one has %lu users", (unsigned long)ipc_stat(other).shm_nattch);
  tst_sys(shmdt(gone));
  tst_check(shmctl(other, IPC_STAT, &(struct shmid_ds){0}) < 0, "the removed one did not go with its user");
  return tst_pass();
}
