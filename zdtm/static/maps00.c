// zdtm: {"category": "memory", "verifies": "every protection of private and shared, file and anonymous memory keeps its contents and its faults"}
#include "tst.h"

#define PAGES 2
#define KINDS 32

static struct {
  uint8_t *at;
  int protection, read, write;
} areas[KINDS];

int main(void) {
  tst_begin();
  size_t page = tst_page(), size = PAGES * page;
  uint8_t *base = tst_sys(mmap(NULL, KINDS * 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  tst_sys(munmap(base, KINDS * 2 * size));
  for (int i = 0; i < KINDS; i++) {
    int protection = i & 7, shared = i & 8, file = i & 16, fd = -1;
    if (file) {
      char name[32];
      snprintf(name, sizeof(name), "file-%d", i);
      fd = tst_sys(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));
      tst_sys(ftruncate(fd, (off_t)size));
    }
    int flags = (shared ? MAP_SHARED : MAP_PRIVATE) | (file ? 0 : MAP_ANONYMOUS) | MAP_FIXED_NOREPLACE;
    areas[i].at = tst_sys(mmap(base + (size_t)i * 2 * size, size, PROT_READ | PROT_WRITE, flags, fd, 0));
    tst_fill(areas[i].at, size, (uint32_t)i);
    tst_sys(mprotect(areas[i].at, size, protection));
    if (fd >= 0) close(fd);
    areas[i].protection = protection;
    areas[i].read = tst_faults(areas[i].at + size - 1, false);
    areas[i].write = tst_faults(areas[i].at + size - 1, true);
  }
  tst_ready();
  TST_SPOIL tst_sys(mprotect(areas[1].at, size, PROT_NONE));
  for (int i = 0; i < KINDS; i++) {
    int read = tst_faults(areas[i].at + size - 1, false), write = tst_faults(areas[i].at + size - 1, true);
    tst_check(read == areas[i].read, "area %d: read faults with %d, not %d", i, read, areas[i].read);
    tst_check(write == areas[i].write, "area %d: write faults with %d, not %d", i, write, areas[i].write);
    tst_sys(mprotect(areas[i].at, size, PROT_READ | PROT_WRITE));
    long wrong = tst_differs(areas[i].at, size - 1, (uint32_t)i);
    tst_check(wrong < 0, "area %d: byte %ld is wrong", i, wrong);
  }
  return tst_pass();
}
