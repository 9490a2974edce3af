// zdtm: {"flavours": ["h"], "category": "ipc", "needs": ["root"], "verifies": "System V segments of an ipc namespace that nobody has attached keep their ids, keys, sizes, owners and bytes"}
#include "ipc.h"

enum { SEGMENTS = 12 };

int main(void) {
  tst_begin();
  ipc_alone();
  size_t page = tst_page();
  int ids[SEGMENTS];
  struct shmid_ds was[SEGMENTS];
  for (int i = 0; i < SEGMENTS; i++) {
    /* ids that are not those which the kernel gives first */
    if (i % 3 == 0) tst_sys(shmctl(tst_sys(shmget(IPC_PRIVATE, page, IPC_CREAT)), IPC_RMID, NULL));
    ids[i] = tst_sys(shmget(i % 2 ? IPC_PRIVATE : 0x500 + i, (size_t)(i + 1) * 3 * page, IPC_CREAT | IPC_EXCL | (0600 + i)));
    uint8_t *at = ipc_attach(ids[i], NULL, 0);
    tst_fill(at + (size_t)i * page, page, (uint32_t)i);
    tst_sys(shmdt(at));
    struct shmid_ds owner = {.shm_perm = {.uid = (uid_t)i * 11, .gid = (gid_t)i * 13, .mode = (unsigned short)(0600 + i)}};
    tst_sys(shmctl(ids[i], IPC_SET, &owner));
    was[i] = ipc_stat(ids[i]);
  }
  tst_ready();
  TST_SPOIL tst_sys(shmctl(ids[5], IPC_RMID, NULL));
  for (int i = 0; i < SEGMENTS; i++) {
    struct shmid_ds now;
    tst_check(shmctl(ids[i], IPC_STAT, &now) == 0, "segment %d is gone", i);
    tst_check(now.shm_perm.__key == was[i].shm_perm.__key && now.shm_segsz == was[i].shm_segsz &&
                  now.shm_perm.mode == was[i].shm_perm.mode && now.shm_nattch == 0,
              "segment %d has key %x, %zu bytes, mode %o", i, now.shm_perm.__key, now.shm_segsz, now.shm_perm.mode);
    tst_check(now.shm_perm.uid == (uid_t)i * 11 && now.shm_perm.gid == (gid_t)i * 13, "segment %d is of %u:%u", i,
              now.shm_perm.uid, now.shm_perm.gid);
    uint8_t *at = ipc_attach(ids[i], NULL, 0);
    tst_check(tst_differs(at + (size_t)i * page, page, (uint32_t)i) < 0, "segment %d is wrong", i);
    tst_check(at[now.shm_segsz - 1] == 0, "segment %d was empty at its end", i);
  }
  return tst_pass();
}
