/* The vDSO's functions, found as a program without a C library would: by AT_SYSINFO_EHDR and the object's own symbols. */
#include <elf.h>
#include <sys/auxv.h>
#include <sys/time.h>

#ifdef __aarch64__
#define VDSO(name) "__kernel_" name
#else
#define VDSO(name) "__vdso_" name
#endif

static void *vdso_find(const char *wanted) {
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
  return NULL;
}

static struct vdso_calls {
  int (*read)(clockid_t, struct timespec *);
  int (*step)(clockid_t, struct timespec *);
  int (*of_day)(struct timeval *, void *);
  /* Not on every machine. */
  time_t (*time)(time_t *);
  int (*cpu)(unsigned *, unsigned *, void *);
} vdso;

static void vdso_open(void) {
  vdso.read = vdso_find(VDSO("clock_gettime"));
  vdso.step = vdso_find(VDSO("clock_getres"));
  vdso.of_day = vdso_find(VDSO("gettimeofday"));
  vdso.time = vdso_find(VDSO("time"));
  vdso.cpu = vdso_find(VDSO("getcpu"));
  if (!vdso.read || !vdso.step || !vdso.of_day) tst_skip("the vDSO has no clocks");
}

static int64_t vdso_nanoseconds(struct timespec at) {
  return at.tv_sec * 1000000000LL + at.tv_nsec;
}

/* Each function once, against the kernel's own answers. */
static void vdso_check(void) {
  static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
                                     CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_TAI};
  for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
    struct timespec first, second, third;
    tst_sys(syscall(SYS_clock_gettime, clocks[i], &first));
    tst_check(vdso.read(clocks[i], &second) == 0, "the vDSO's clock gives an error");
    tst_sys(syscall(SYS_clock_gettime, clocks[i], &third));
    TST_SPOIL second.tv_sec = 0;
    int64_t a = vdso_nanoseconds(first), b = vdso_nanoseconds(second), c = vdso_nanoseconds(third);
    tst_check(a <= b && b <= c, "clock %d: %lld, then %lld, then %lld", clocks[i], (long long)a, (long long)b, (long long)c);
    tst_check(vdso.step(clocks[i], &first) == 0, "the vDSO's clock_getres gives an error");
    tst_sys(syscall(SYS_clock_getres, clocks[i], &third));
    tst_check(vdso_nanoseconds(first) == vdso_nanoseconds(third), "clock %d has steps of %lld", clocks[i],
              (long long)vdso_nanoseconds(first));
  }
  struct timeval of_day;
  struct timespec now;
  tst_sys(syscall(SYS_clock_gettime, CLOCK_REALTIME_COARSE, &now));
  tst_check(vdso.of_day(&of_day, NULL) == 0 && of_day.tv_sec - now.tv_sec < 3, "gettimeofday gives %lld",
            (long long)of_day.tv_sec);
  if (vdso.time) tst_check(llabs((long long)vdso.time(NULL) - now.tv_sec) < 3, "time gives %lld", (long long)vdso.time(NULL));
  unsigned cpu = 9999;
  if (vdso.cpu) tst_check(vdso.cpu(&cpu, NULL, NULL) == 0 && cpu < 4096, "getcpu gives %u", cpu);
}
