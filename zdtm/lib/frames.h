/* Which physical pages two tasks map: proof of sharing that contents cannot give. Needs CAP_SYS_ADMIN. */
#ifndef FRAMES_H
#define FRAMES_H
#include "tst.h"

/* Page frame number of an address of a task; 0 when the page is not present. */
static uint64_t frame_of(pid_t pid, const void *address) {
  char path[64];
  uint64_t entry = 0;
  snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
  int fd = tst_sys(open(path, O_RDONLY | O_CLOEXEC));
  if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)address / tst_page() * sizeof(entry))) != sizeof(entry))
    tst_die("pagemap of %p in %d", address, pid);
  close(fd);
  return entry >> 63 ? entry & ((1ULL << 55) - 1) : 0;
}

#endif
