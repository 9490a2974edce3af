// zdtm: {"category": "vdso", "verifies": "a vDSO that the task itself has moved elsewhere is there afterwards, and works there"}
#include "tst.h"

#include <sys/auxv.h>

static unsigned long low, high;

static void find(void) {
  low = ~0UL;
  high = 0;
  char *text = tst_slurp("/proc/self/maps", NULL), *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    unsigned long start, end;
    if (!strstr(line, "[vdso]") && !strstr(line, "[vvar")) continue;
    sscanf(line, "%lx-%lx ", &start, &end);
    if (start < low) low = start;
    if (end > high) high = end;
  }
  free(text);
}

int main(void) {
  tst_begin();
  find();
  unsigned long was = low, bytes = high - low;
  char *place = tst_sys(mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  tst_sys(munmap(place, bytes));
  /* Each of the group's areas by itself, to the same distances. */
  char *text = tst_slurp("/proc/self/maps", NULL), *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    unsigned long start, end;
    if (!strstr(line, "[vdso]") && !strstr(line, "[vvar")) continue;
    sscanf(line, "%lx-%lx ", &start, &end);
    tst_sys(mremap((void *)start, end - start, end - start, MREMAP_MAYMOVE | MREMAP_FIXED, place + (start - was)));
  }
  free(text);
  /* The C library keeps the old addresses of its functions: ask the kernel only. */
  tst_ready();
  find();
  TST_SPOIL low++;
  tst_check(low == (unsigned long)place && high - low == bytes, "the vDSO is at %lx, not at %p", low, place);
  unsigned long entry = getauxval(AT_SYSINFO_EHDR) - was + (unsigned long)place;
  tst_check(!memcmp((void *)entry, "\177ELF", 4), "there is no vDSO at %lx", entry);
  return tst_pass();
}
