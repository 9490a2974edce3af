// zdtm: {"category": "memory", "verifies": "every madvise advice and mapping flag is still on its area"}
#include "tst.h"

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

static const struct {
  const char *flag; /* as smaps shows it */
  int advice, map, lock;
} kinds[] = {
    {"dc", MADV_DONTFORK, 0, 0},   {"dd", MADV_DONTDUMP, 0, 0},     {"mg", MADV_MERGEABLE, 0, 0},
    {"hg", MADV_HUGEPAGE, 0, 0},   {"nh", MADV_NOHUGEPAGE, 0, 0},   {"sr", MADV_SEQUENTIAL, 0, 0},
    {"rr", MADV_RANDOM, 0, 0},     {"wf", MADV_WIPEONFORK, 0, 0},   {"lo", -1, MAP_LOCKED, 0},
    {"nr", -1, MAP_NORESERVE, 0},  {"gd", -1, MAP_GROWSDOWN, 0},    {"lf", -1, 0, 1},
    {"rd", -1, MAP_POPULATE, 0},
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *at[KINDS];
  /* A growing area keeps its distance from the one below, hence the wide gaps. */
  size_t stride = 2UL << 20;
  uint8_t *base = tst_sys(mmap(NULL, KINDS * stride, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  tst_sys(munmap(base, KINDS * stride));
  for (size_t i = 0; i < KINDS; i++) {
    at[i] = tst_sys(mmap(base + i * stride + stride / 2, 2 * page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | kinds[i].map, -1, 0));
    if (kinds[i].advice >= 0 && madvise(at[i], 2 * page, kinds[i].advice)) {
      tst_check(errno == EINVAL, "advice %d: %s", kinds[i].advice, strerror(errno));
      at[i] = NULL; /* this kernel was built without it */
      continue;
    }
    if (kinds[i].lock) tst_sys(syscall(SYS_mlock2, at[i], 2 * page, MLOCK_ONFAULT));
    tst_fill(at[i], page, (uint32_t)i);
    tst_check(tst_vmflag(at[i], kinds[i].flag), "flag %s was never there", kinds[i].flag);
  }
  tst_ready();
  TST_SPOIL tst_sys(madvise(at[0], 2 * page, MADV_DOFORK));
  for (size_t i = 0; i < KINDS; i++) {
    if (!at[i]) continue;
    tst_check(tst_vmflag(at[i], kinds[i].flag), "flag %s is lost", kinds[i].flag);
    tst_check(tst_differs(at[i], page, (uint32_t)i) < 0, "contents under flag %s are lost", kinds[i].flag);
  }
  return tst_pass();
}
