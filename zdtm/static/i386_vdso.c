// zdtm: {"category": "vdso", "needs": ["i386"], "cc": ["-fno-pie", "-no-pie"], "verifies": "the 32-bit vDSO is at its address: its clocks agree with the system calls, and its entry into the kernel returns where it should"}
#include "tst.h"

#include <elf.h>
#include <sys/auxv.h>

typedef int clock_call(clockid_t, int32_t *);

static uint8_t *base;
static uintptr_t entry __attribute__((used));

/* The dynamic symbol's address in the vDSO. */
static void *find(const char *wanted) {
  const Elf32_Ehdr *header = (void *)base;
  const Elf32_Shdr *sections = (void *)(base + header->e_shoff);
  for (int i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_type != SHT_DYNSYM) continue;
    const Elf32_Sym *symbols = (void *)(base + sections[i].sh_offset);
    const char *names = (void *)(base + sections[sections[i].sh_link].sh_offset);
    for (unsigned n = 0; n < sections[i].sh_size / sizeof(*symbols); n++)
      if (!strcmp(names + symbols[n].st_name, wanted)) return base + symbols[n].st_value;
  }
  return NULL;
}

static long by_entry(long nr, long a, long b) {
  long result;
  asm volatile("call *entry" : "=a"(result) : "0"(nr), "b"(a), "c"(b) : "memory", "edx");
  return result;
}

static long long nanoseconds(const int32_t *at) { return at[0] * 1000000000LL + at[1]; }

int main(void) {
  tst_begin();
  base = (uint8_t *)getauxval(AT_SYSINFO_EHDR);
  entry = getauxval(AT_SYSINFO);
  if (!base || !entry) tst_skip("this kernel has no 32-bit vDSO");
  clock_call *clock = find("__vdso_clock_gettime");
  tst_check(clock != NULL, "there is no clock in the vDSO");
  tst_ready();
  TST_SPOIL base += tst_page();
  tst_check(!memcmp(base, ELFMAG, 4) && find("__vdso_clock_gettime") == clock, "the vDSO is another");
  for (int id = CLOCK_REALTIME; id <= CLOCK_MONOTONIC; id++) {
    int32_t before[2], between[2], after[2];
    enum { CLOCK_GETTIME = 265 };
    tst_check(by_entry(CLOCK_GETTIME, id, (long)before) == 0, "the clock's system call fails");
    tst_check(clock(id, between) == 0, "the clock in the vDSO fails");
    tst_check(by_entry(CLOCK_GETTIME, id, (long)after) == 0, "the clock's system call fails");
    tst_check(nanoseconds(before) <= nanoseconds(between) && nanoseconds(between) <= nanoseconds(after),
              "clock %d: %lld, by the vDSO %lld, %lld", id, nanoseconds(before), nanoseconds(between), nanoseconds(after));
  }
  tst_check(by_entry(SYS_getpid, 0, 0) == getpid(), "the entry gives another pid");
  return tst_pass();
}
