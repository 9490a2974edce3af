// zdtm: {"category": "memory", "needs": ["i386"], "verifies": "a 32-bit program keeps its areas up to the last page of its address space, which still ends there, and gets new ones below 4 GiB"}
#include "tst.h"

#include <sys/auxv.h>

#define LAST ((uint8_t *)0xffffd000)
#define BEYOND ((uint8_t *)0xffffe000)
#define LOW ((uint8_t *)0x10000)

static void *map(void *at, size_t bytes, int flags) {
  return mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

int main(void) {
  tst_begin();
  size_t page = tst_page(), big = 700 << 20;
  uint8_t *last = map(LAST, page, MAP_FIXED_NOREPLACE), *low = map(LOW, page, MAP_FIXED_NOREPLACE);
  if (last == MAP_FAILED) tst_skip("the last page is taken: %s", strerror(errno));
  tst_check(low == LOW, "no page at the lowest address: %s", strerror(errno));
  uint8_t *wide = map(NULL, big, MAP_NORESERVE);
  if (wide == MAP_FAILED) tst_skip("no room: %s", strerror(errno));
  tst_fill(last, page, 1);
  tst_fill(low, page, 2);
  tst_fill(wide + big / 2, page, 3);
  unsigned long vdso = getauxval(AT_SYSINFO_EHDR), entry = getauxval(AT_SYSINFO);
  tst_ready();
  TST_SPOIL low[9]++;
  tst_check(tst_differs(last, page, 1) < 0, "the last page has changed");
  tst_check(tst_differs(low, page, 2) < 0, "the lowest page has changed");
  tst_check(tst_differs(wide + big / 2, page, 3) < 0, "the large area has changed");
  tst_check(map(BEYOND, page, MAP_FIXED) == MAP_FAILED && errno == ENOMEM, "the address space ends elsewhere");
  uint8_t *fresh = tst_sys(map(NULL, page, 0));
  *fresh = 1;
  uint8_t *more = tst_sys(mremap(fresh, page, 64 * page, MREMAP_MAYMOVE));
  tst_check(*more == 1, "a new area has lost its bytes");
  tst_check(sbrk((int)page) != (void *)-1, "the heap does not grow: %s", strerror(errno));
  char *auxv = tst_slurp("/proc/self/auxv", NULL);
  uint32_t *words = (uint32_t *)auxv;
  while (words[0] && words[0] != AT_SYSINFO_EHDR) words += 2;
  tst_check(words[1] == vdso && getauxval(AT_SYSINFO) == entry, "the kernel knows another vDSO: %x", words[1]);
  free(auxv);
  return tst_pass();
}
