// zdtm: {"category": "ipc", "verifies": "System V segments whose size is no multiple of a page keep it, with all that is in the last page"}
#include "ipc.h"

int main(void) {
  tst_begin();
  size_t page = tst_page(), sizes[] = {1, page - 1, page + 1, 5 * page + 123};
  int ids[4];
  uint8_t *at[4];
  for (int i = 0; i < 4; i++) {
    ids[i] = ipc_segment(i % 2 ? ipc_key(i) : IPC_PRIVATE, sizes[i], 0600);
    at[i] = ipc_attach(ids[i], NULL, 0);
    tst_fill(at[i], (sizes[i] + page - 1) / page * page, (uint32_t)i);
  }
  tst_ready();
  TST_SPOIL at[2][2 * page - 1]++;
  for (int i = 0; i < 4; i++) {
    tst_check(ipc_stat(ids[i]).shm_segsz == sizes[i], "segment %d has %zu bytes", i, ipc_stat(ids[i]).shm_segsz);
    tst_check(tst_differs(at[i], (sizes[i] + page - 1) / page * page, (uint32_t)i) < 0, "segment %d is wrong", i);
    tst_sys(shmdt(at[i]));
  }
  return tst_pass();
}
