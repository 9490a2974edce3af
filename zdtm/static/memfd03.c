// zdtm: {"category": "memory", "verifies": "every seal of a memfd is kept and enforced, with a shared writable mapping made before a future-write seal"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  static const unsigned seals[] = {0, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE,
                                   F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE};
  int fds[6];
  uint8_t *early = NULL;
  for (int i = 0; i < 6; i++) {
    fds[i] = tst_sys(memfd_create("sealed", MFD_ALLOW_SEALING));
    tst_sys(write(fds[i], "0123456789", 10));
    tst_sys(ftruncate(fds[i], (off_t)page));
    if (seals[i] == F_SEAL_FUTURE_WRITE)
      early = tst_sys(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0));
    if (seals[i]) tst_sys(fcntl(fds[i], F_ADD_SEALS, seals[i]));
  }
  uint8_t *late = tst_sys(mmap(NULL, page, PROT_READ, MAP_SHARED, fds[5], 0));
  tst_ready();
  TST_SPOIL tst_sys(fcntl(fds[1], F_ADD_SEALS, F_SEAL_GROW));
  for (int i = 0; i < 6; i++)
    tst_check(fcntl(fds[i], F_GET_SEALS) == (int)seals[i], "memfd %d has seals %x, not %x", i,
              fcntl(fds[i], F_GET_SEALS), seals[i]);
  tst_check(ftruncate(fds[1], 1) == -1 && errno == EPERM, "a memfd sealed against shrinking shrinks");
  tst_check(ftruncate(fds[2], (off_t)(9 * page)) == -1 && errno == EPERM, "a memfd sealed against growing grows");
  tst_check(pwrite(fds[3], "x", 1, 0) == -1 && errno == EPERM, "a memfd sealed against writes takes one");
  tst_check(pwrite(fds[4], "x", 1, 0) == -1 && errno == EPERM, "a memfd sealed against future writes takes one");
  tst_check(fcntl(fds[5], F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == -1 && errno == EPERM, "a sealed set of seals takes one more");
  early[3] = 'E';
  char seen[11] = {0};
  tst_sys(pread(fds[4], seen, 10, 0));
  tst_check(!strcmp(seen, "012E456789"), "the early mapping does not write to its memfd: %s", seen);
  tst_check(!memcmp(late, "0123456789", 10), "the mapping of the sealed memfd is wrong");
  tst_sys(fcntl(fds[0], F_ADD_SEALS, F_SEAL_SEAL));
  return tst_pass();
}
