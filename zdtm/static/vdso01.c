// zdtm: {"category": "vdso", "verifies": "functions found in the vDSO's own symbol table before the dump give the right times after it"}
#include "tst.h"

#include <elf.h>
#include <sys/auxv.h>

/* The vDSO is an ELF object in memory: its dynamic section leads to names and addresses. */
static void *find(const char *wanted) {
  char *base = (char *)getauxval(AT_SYSINFO_EHDR);
  Elf64_Ehdr *header = (Elf64_Ehdr *)base;
  Elf64_Phdr *segments = (Elf64_Phdr *)(base + header->e_phoff);
  char *moved = NULL;
  Elf64_Dyn *dynamic = NULL;
  for (int i = 0; i < header->e_phnum; i++) {
    if (segments[i].p_type == PT_LOAD) moved = base + segments[i].p_offset - segments[i].p_vaddr;
    if (segments[i].p_type == PT_DYNAMIC) dynamic = (Elf64_Dyn *)(base + segments[i].p_offset);
  }
  Elf64_Sym *symbols = NULL;
  char *names = NULL;
  for (; dynamic->d_tag != DT_NULL; dynamic++) {
    if (dynamic->d_tag == DT_SYMTAB) symbols = (Elf64_Sym *)(moved + dynamic->d_un.d_ptr);
    if (dynamic->d_tag == DT_STRTAB) names = moved + dynamic->d_un.d_ptr;
  }
  for (Elf64_Sym *at = symbols + 1; (char *)at < names; at++)
    if (!strcmp(names + at->st_name, wanted)) return moved + at->st_value;
  tst_skip("the vDSO has no %s", wanted);
}

int main(void) {
  tst_begin();
#ifdef __aarch64__
  int (*clock_read)(clockid_t, struct timespec *) = find("__kernel_clock_gettime");
  int (*clock_step)(clockid_t, struct timespec *) = find("__kernel_clock_getres");
#else
  int (*clock_read)(clockid_t, struct timespec *) = find("__vdso_clock_gettime");
  int (*clock_step)(clockid_t, struct timespec *) = find("__vdso_clock_getres");
#endif
  tst_ready();
  struct timespec first, second, third;
  for (int clock = CLOCK_REALTIME; clock <= CLOCK_MONOTONIC; clock++) {
    tst_sys(syscall(SYS_clock_gettime, clock, &first));
    tst_check(clock_read(clock, &second) == 0, "the vDSO's clock gives an error");
    TST_SPOIL second.tv_sec--;
    tst_sys(syscall(SYS_clock_gettime, clock, &third));
    int64_t a = first.tv_sec * 1000000000LL + first.tv_nsec, b = second.tv_sec * 1000000000LL + second.tv_nsec,
            c = third.tv_sec * 1000000000LL + third.tv_nsec;
    tst_check(a <= b && b <= c, "clock %d: %lld, then %lld, then %lld", clock, (long long)a, (long long)b, (long long)c);
    tst_check(clock_step(clock, &first) == 0 && first.tv_sec == 0, "the vDSO's clock_getres is wrong");
  }
  return tst_pass();
}
