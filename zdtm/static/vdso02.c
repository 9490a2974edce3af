// zdtm: {"category": "vdso", "verifies": "a task that unmapped its vDSO comes back without one"}
#include "tst.h"

static int areas(bool unmap) {
  int found = 0;
  char *text = tst_slurp("/proc/self/maps", NULL), *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    unsigned long start, end;
    if (!strstr(line, "[vdso]") && !strstr(line, "[vvar")) continue;
    sscanf(line, "%lx-%lx ", &start, &end);
    if (unmap) tst_sys(munmap((void *)start, end - start));
    found++;
  }
  free(text);
  return found;
}

/* Nothing here may call into the vDSO any more: times come from the kernel, and the C library is not asked. */
int main(void) {
  tst_begin();
  tst_check(areas(true) >= 2, "there is no vDSO to unmap");
  tst_check(areas(false) == 0, "the vDSO is still there");
  tst_ready();
  int expected = 0;
  TST_SPOIL expected = 1;
  tst_check(areas(false) == expected, "the vDSO is back");
  struct timespec now;
  tst_sys(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now));
  return tst_pass();
}
