// zdtm: {"category": "arch-regs", "needs": ["i386"], "cc": ["-fno-pie", "-no-pie"], "spoils": true, "except": {"memory": "the kernel writes the rest of the time when a wait is interrupted, threads write when theirs is over", "thread": "waits end when their time is over", "status Threads": "waits end when their time is over"}, "verifies": "system calls of a 32-bit program that a dump interrupts go on with the time that is left: with timespecs of 32 and of 64 bits, by int $0x80 and by the vDSO"}
#include "blocked.h"

#include <sys/auxv.h>
#include <sys/epoll.h>

/* By their numbers, which the C library hides. */
enum { NANOSLEEP = 162, POLL = 168, SIGTIMEDWAIT = 177, FUTEX = 240, EPOLL_WAIT = 256, CLOCK_NANOSLEEP = 267 };
enum { CLOCK_NANOSLEEP64 = 407, SIGTIMEDWAIT64 = 421, FUTEX64 = 422 };

static int32_t narrow[2] = {1, 800000000}, left[2];
static int64_t wide[2] = {1, 800000000}, wide_left[2];
static uint64_t hangup = 1 << (SIGHUP - 1);
static int word = 5, epoll, ends[2];
static uintptr_t vdso __attribute__((used));

static long result_of(long raw) {
  if (raw < 0 && raw > -4096) errno = (int)-raw;
  return raw < 0 && raw > -4096 ? -1 : raw;
}

/* The sixth argument is 0. */
static long by_int(long nr, long a, long b, long c, long d, long e) {
  long r;
  asm volatile("push %%ebp\n xor %%ebp, %%ebp\n int $0x80\n pop %%ebp\n"
               : "=a"(r)
               : "0"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
               : "memory");
  return result_of(r);
}

static long by_vdso(long nr, long a, long b, long c, long d, long e) {
  long r;
  asm volatile("push %%ebp\n xor %%ebp, %%ebp\n call *vdso\n pop %%ebp\n"
               : "=a"(r)
               : "0"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
               : "memory");
  return result_of(r);
}

static void __attribute__((constructor)) make(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  tst_sys(sigprocmask(SIG_BLOCK, &set, NULL));
  tst_sys(pipe(ends));
  epoll = tst_sys(epoll_create1(0));
  vdso = getauxval(AT_SYSINFO);
  tst_check(vdso != 0, "the vDSO has no entry");
}

static long nanosleep32(void) { return by_int(NANOSLEEP, (long)narrow, (long)left, 0, 0, 0); }
static long clock32(void) { return by_vdso(CLOCK_NANOSLEEP, CLOCK_MONOTONIC, 0, (long)narrow, 0, 0); }
static long clock64(void) { return by_int(CLOCK_NANOSLEEP64, CLOCK_MONOTONIC, 0, (long)wide, (long)wide_left, 0); }
static long futex32(void) { return by_vdso(FUTEX, (long)&word, 0, 5, (long)narrow, 0); }
static long futex64(void) { return by_int(FUTEX64, (long)&word, 0, 5, (long)wide, 0); }
static long polls(void) { return by_vdso(POLL, 0, 0, 1800, 0, 0); }
static long epolls(void) {
  struct epoll_event event;
  return by_vdso(EPOLL_WAIT, epoll, (long)&event, 1, 1800, 0);
}
static long signal32(void) { return by_vdso(SIGTIMEDWAIT, (long)&hangup, 0, (long)narrow, 8, 0); }
static long signal64(void) { return by_int(SIGTIMEDWAIT64, (long)&hangup, 0, (long)wide, 8, 0); }
static long reads(void) {
  char byte;
  return by_vdso(SYS_read, ends[0], (long)&byte, 1, 0, 0);
}
static void writes(void) { tst_sys(write(ends[1], "x", 1)); }

static const blocked table[] = {
    {"nanosleep", nanosleep32, NULL, 0, 1.8},
    {"clock_nanosleep", clock32, NULL, 0, 1.8},
    {"clock_nanosleep_time64", clock64, NULL, 0, 1.8},
    {"futex", futex32, NULL, -ETIMEDOUT, 1.8},
    {"futex_time64", futex64, NULL, -ETIMEDOUT, 1.8},
    {"epoll_wait", epolls, NULL, 0, 1.8},
    {"rt_sigtimedwait", signal32, NULL, -EAGAIN, 1.8},
    {"rt_sigtimedwait_time64", signal64, NULL, -EAGAIN, 1.8},
    {"poll", polls, NULL, 0, 1.8},
    {"read", reads, writes, 1, 0},
};

int main(void) {
  tst_begin();
  tst_check(sizeof(void *) == 4, "this is no 32-bit program");
  return blocked_case(table, (int)(sizeof(table) / sizeof(*table)));
}
