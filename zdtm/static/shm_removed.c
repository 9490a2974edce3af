// zdtm: {"category": "ipc", "verifies": "a System V segment that goes with its last user comes back under its id, with owner and mode, and goes then"}
#include "ipc.h"

static uint8_t *at;
static tst_step *step;

static int child(void *number) {
  (void)number;
  tst_await(step, 1);
  at[0]++;
  tst_sys(shmdt(at));
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  step = tst_new_step();
  /* an older one, so that the id is not what the kernel would give */
  int older = ipc_segment(IPC_PRIVATE, page, 0600);
  /* who makes it is kept as well as who owns it */
  bool root = geteuid() == 0;
  if (root) tst_check(setegid(77) == 0 && seteuid(55) == 0, "cannot be somebody else");
  int id = tst_sys(shmget(ipc_key(3), 300 * page, IPC_CREAT | IPC_EXCL | 0644));
  if (root) tst_check(seteuid(0) == 0 && setegid(0) == 0, "cannot be root again");
  ipc_noted("shm", id);
  tst_sys(shmctl(older, IPC_RMID, NULL));
  at = ipc_attach(id, NULL, 0);
  tst_fill(at + 100 * page, 7 * page, 8);
  struct shmid_ds set = {.shm_perm = {.uid = 12, .gid = 34, .mode = 0624}};
  if (root) tst_sys(shmctl(id, IPC_SET, &set));
  tst_sys(shmctl(id, IPC_RMID, NULL));
  pid_t pid = tst_child(child, NULL);
  struct shmid_ds was = ipc_stat(id);
  tst_ready();
  TST_SPOIL at[299 * page] = 1;
  struct shmid_ds now = ipc_stat(id);
  tst_check(now.shm_perm.__key == 0 && now.shm_perm.mode == was.shm_perm.mode, "it has key %x and mode %o",
            now.shm_perm.__key, now.shm_perm.mode);
  tst_check(now.shm_perm.uid == was.shm_perm.uid && now.shm_perm.gid == was.shm_perm.gid &&
                now.shm_perm.cuid == was.shm_perm.cuid && now.shm_perm.cgid == was.shm_perm.cgid,
            "its owners are %u:%u, %u:%u", now.shm_perm.uid, now.shm_perm.gid, now.shm_perm.cuid, now.shm_perm.cgid);
  tst_check(now.shm_segsz == 300 * page && now.shm_nattch == 2, "it has %lu users", (unsigned long)now.shm_nattch);
  tst_check(tst_differs(at + 100 * page, 7 * page, 8) < 0, "its bytes are wrong");
  for (size_t i = 0; i < 300; i++)
    if (i < 100 || i >= 107) tst_check(at[i * page] == 0, "page %zu was empty", i);
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(at[0] == 1, "the child has another segment");
  tst_sys(shmdt(at));
  tst_check(shmctl(id, IPC_STAT, &now) < 0 && (errno == EINVAL || errno == EIDRM), "it is still there");
  tst_end(pid);
  return tst_pass();
}
