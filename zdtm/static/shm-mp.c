// zdtm: {"category": "ipc", "verifies": "System V segments keep their ids and areas: pieces with protections of their own, parts that were let go, read-only ones, several attaches of one, a child's"}
#include "ipc.h"

enum { PAGES = 8 };

static size_t page;
static uint8_t *child_sees;
static tst_step *step;

static int child(void *number) {
  (void)number;
  tst_await(step, 1);
  tst_check(tst_differs(child_sees, 2 * page, 3) < 0, "the child's area is wrong");
  child_sees[5] = 0x77;
  tst_check(shmdt(child_sees) == 0, "the child cannot detach: %s", strerror(errno));
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  page = tst_page();
  step = tst_new_step();
  int pieces = ipc_segment(ipc_key(1), PAGES * page, 0640), parts = ipc_segment(IPC_PRIVATE, PAGES * page, 0600);
  int gentle = ipc_segment(ipc_key(2), 2 * page, 0606);
  uint8_t *a = ipc_attach(pieces, NULL, 0), *b = ipc_attach(parts, NULL, 0);
  uint8_t *c = ipc_attach(gentle, NULL, SHM_RDONLY), *d = ipc_attach(gentle, NULL, 0), *e = ipc_attach(pieces, NULL, 0);
  tst_fill(a, PAGES * page, 1);
  tst_fill(b, PAGES * page, 2);
  tst_fill(d, 2 * page, 3);
  tst_sys(mprotect(a + page, page, PROT_READ));
  tst_sys(mprotect(a + 2 * page, 2 * page, PROT_NONE));
  tst_sys(mprotect(a + 4 * page, page, PROT_READ | PROT_WRITE | PROT_EXEC));
  /* two areas that are equal stay two */
  tst_sys(mprotect(a + 6 * page, page, PROT_NONE));
  tst_sys(mprotect(a + 6 * page, page, PROT_READ | PROT_WRITE));
  tst_sys(munmap(b, page));
  tst_sys(munmap(b + 3 * page, 2 * page));
  tst_sys(munmap(b + 7 * page, page));
  child_sees = d;
  pid_t pid = tst_child(child, NULL);
  struct shmid_ds was[3] = {ipc_stat(pieces), ipc_stat(parts), ipc_stat(gentle)};
  tst_ready();
  TST_SPOIL e[3 * page]++;
  int ids[] = {pieces, parts, gentle};
  for (int i = 0; i < 3; i++) {
    struct shmid_ds now = ipc_stat(ids[i]);
    tst_check(now.shm_perm.__key == was[i].shm_perm.__key && now.shm_perm.mode == was[i].shm_perm.mode,
              "segment %d has key %x and mode %o", i, now.shm_perm.__key, now.shm_perm.mode);
    tst_check(now.shm_segsz == was[i].shm_segsz && now.shm_nattch == was[i].shm_nattch, "segment %d has %zu bytes, %lu users",
              i, now.shm_segsz, (unsigned long)now.shm_nattch);
  }
  tst_check(tst_differs(e, PAGES * page, 1) < 0, "the first segment is wrong at %ld", tst_differs(e, PAGES * page, 1));
  uint8_t *again = ipc_attach(parts, NULL, 0);
  tst_check(tst_differs(again, PAGES * page, 2) < 0, "the second segment is wrong");
  tst_check(memcmp(again + page, b + page, 2 * page) == 0 && memcmp(again + 5 * page, b + 5 * page, 2 * page) == 0,
            "what was left of it is wrong");
  tst_check(tst_differs(c, 2 * page, 3) < 0, "the third segment is wrong");
  tst_check(mprotect(c, page, PROT_READ | PROT_WRITE) < 0 && errno == EACCES, "what was read-only can be written");
  tst_check(tst_faults(a + page, true) == SIGSEGV && tst_faults(a + 2 * page, false) == SIGSEGV, "protections are gone");
  tst_check(tst_mapped(a + 6 * page, page, "rw-s") && tst_mapped(a + 4 * page, page, "rwxs"), "areas have become one");
  e[4 * page + 1] = 0x99;
  tst_check(a[4 * page + 1] == 0x99, "two attaches are no longer one segment");
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(c[5] == 0x77, "the child has another segment");
  tst_end(pid);
  /* an attach is let go as a whole */
  tst_sys(shmdt(a));
  tst_check(tst_faults(a, false) == SIGSEGV && tst_faults(a + 7 * page, false) == SIGSEGV, "something stays behind");
  for (uint8_t **one = (uint8_t *[]){c, d, e, again, NULL}; *one; one++) tst_sys(shmdt(*one));
  tst_check(ipc_stat(pieces).shm_nattch == 0 && ipc_stat(gentle).shm_nattch == 0, "somebody still has it");
  return tst_pass();
}
