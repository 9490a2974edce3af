// zdtm: {"category": "ipc", "flavours": ["h"], "needs": ["root"], "verifies": "the very first System V segment, whose id is 0, comes back with its bytes where it is attached"}
#include "ipc.h"

int main(void) {
  tst_begin();
  ipc_alone();
  size_t page = tst_page();
  int id = tst_sys(shmget(0x800, 5 * page, IPC_CREAT | 0600));
  if (id != 0) tst_skip("the first segment has the id %d", id);
  uint8_t *at = ipc_attach(id, NULL, 0);
  tst_fill(at, 5 * page, 12);
  tst_ready();
  TST_SPOIL at[3 * page]++;
  tst_check(tst_differs(at, 5 * page, 12) < 0, "its bytes are wrong");
  tst_check(shmget(0x800, 0, 0) == id && ipc_stat(id).shm_nattch == 1, "it is not attached");
  uint8_t *again = ipc_attach(id, NULL, 0);
  again[1] = 0x5c;
  tst_check(at[1] == 0x5c, "what is attached is another one");
  return tst_pass();
}
