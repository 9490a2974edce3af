/*
 * Threads that compute with vector registers held over long stretches and check every result; a timer's handler on an
 * alternate stack interrupts them. A wrong number ends the process with 42. Counters say who gets on.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 3
volatile uint64_t counters[WORKERS + 2];

static __attribute__((noreturn)) void wrong(const char *what) {
  dprintf(2, "WRONG %s\n", what);
  _exit(42);
}

/* The last vector register; 32-bit code has fewer. */
#ifdef __x86_64__
#define HIGH "ymm15"
#else
#define HIGH "ymm6"
#endif

/* Scalars in callee-saved registers, vectors where there are any: all live over a loop without a memory access. */
static uint64_t work(uint64_t seed) {
  uint64_t a = seed, b = ~seed, c = seed * 3, d = seed ^ 0x5555;
#if defined(__x86_64__) || defined(__i386__)
  uint64_t in[4] = {seed, seed + 1, seed + 2, seed + 3}, out[4], again[4];
  for (int avx = 0; avx < 2; avx++) {
    unsigned long n = 4000;
    __asm__ volatile(
        "vmovdqu (%[in]), %%ymm1\n\tvmovdqa %%ymm1, %%ymm7\n\tvmovdqa %%ymm1, %%" HIGH "\n\t"
        "1:\tvpaddq %%ymm1, %%ymm7, %%ymm7\n\tvpxor %%ymm7, %%" HIGH ", %%" HIGH "\n\t"
        "dec %[n]\n\tjnz 1b\n\tvpaddq %%" HIGH ", %%ymm7, %%ymm7\n\tvmovdqu %%ymm7, (%[out])"
        : [n] "+r"(n)
        : [in] "r"(in), [out] "r"(avx ? again : out)
        : "ymm1", "ymm7", HIGH, "memory", "cc");
  }
  if (memcmp(out, again, sizeof(out))) wrong("vectors");
  a ^= out[0] + out[3];
#endif
  double x = 1.0 + (double)(seed & 15);
  for (int i = 0; i < 3000; i++) {
    a = a * 6364136223846793005u + b;
    b = (b << 7) ^ (b >> 9) ^ c;
    c += d ^ a;
    d = d * 31 + 7;
    x = x * 1.0000001 + 0.5;
  }
  uint64_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return a ^ b ^ c ^ d ^ bits;
}

#if defined(__x86_64__)
static int has_tiles;

/* Leave to use the tiles of AMX, where there are any: ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA. */
static void ask_for_tiles(void) {
  has_tiles = __builtin_cpu_supports("amx-tile") && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

/* One tile, held over a loop. */
static void tile(uint64_t seed) {
  static __thread uint64_t in[128] __attribute__((aligned(64))), out[128] __attribute__((aligned(64)));
  unsigned char config[64] __attribute__((aligned(64))) = {[0] = 1, [16] = 64, [48] = 16};
  if (!has_tiles) return;
  for (int i = 0; i < 128; i++) in[i] = seed * (uint64_t)(i + 1);
  uint64_t n = 20000;
  __asm__ volatile(
      "ldtilecfg (%[config])\n\ttileloadd (%[in],%[stride],1), %%tmm0\n\t"
      "1:\tdec %[n]\n\tjnz 1b\n\ttilestored %%tmm0, (%[out],%[stride],1)\n\ttilerelease"
      : [n] "+r"(n)
      : [config] "r"(config), [in] "r"(in), [out] "r"(out), [stride] "r"(64L)
      : "memory", "cc");
  if (memcmp(in, out, sizeof(in))) wrong("tile");
}
#else
static void ask_for_tiles(void) {}
static void tile(uint64_t seed) { (void)seed; }
#endif

static __attribute__((noreturn)) void *worker(void *arg) {
  long me = (long)arg;
  sigset_t mine, seen;
  sigemptyset(&mine);
  sigaddset(&mine, SIGUSR1 + (me == 2));
  sigaddset(&mine, SIGRTMIN + (int)me);
  sigaddset(&mine, SIGALRM);
  pthread_sigmask(SIG_SETMASK, &mine, NULL);
  uint64_t want[8];
  for (int i = 0; i < 8; i++) want[i] = work((uint64_t)(me * 100 + i));
  for (uint64_t n = 0;; n++) {
    if (work((uint64_t)(me * 100) + n % 8) != want[n % 8]) wrong("sum");
    if (me == 1) tile(n);
    counters[me] = n + 1;
    if (n % 64 == 0) {
      pthread_sigmask(SIG_BLOCK, NULL, &seen);
      if (memcmp(&seen, &mine, 8)) wrong("mask");
      struct timespec little = {0, 300000};
      nanosleep(&little, NULL);
    }
  }
}

static int silent[2];
static __attribute__((noreturn)) void *reader(void *arg) {
  char byte;
  (void)arg;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  counters[WORKERS] = 1;
  ssize_t got = read(silent[0], &byte, 1);
  dprintf(2, "WRONG read gave %zd\n", got);
  _exit(42);
}

static char alternate[65536];
static void tick(int signo, siginfo_t *info, void *context) {
  char here;
  (void)signo, (void)info, (void)context;
  if (&here < alternate || &here >= alternate + sizeof(alternate)) wrong("stack of the handler");
  static uint64_t want;
  uint64_t got = work(77);
  if (want && want != got) wrong("sum in the handler");
  want = got;
  counters[WORKERS + 1]++;
}

int main(int argc, char **argv) {
  pthread_t threads[WORKERS];
  struct sigaction act = {.sa_sigaction = tick, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  if (argc < 2 || pipe(silent)) return 1;
  ask_for_tiles();
  /* only the first thread has an alternate stack: only it takes the timer's signal */
  sigaltstack(&stack, NULL);
  pthread_sigmask(SIG_BLOCK, &alarm, NULL);
  for (long i = 1; i < WORKERS; i++) {
    pthread_create(&threads[i], NULL, worker, (void *)i);
  }
  pthread_create(&threads[0], NULL, reader, NULL);
  while (!counters[1] || !counters[2] || !counters[WORKERS]) usleep(1000);
  sigaction(SIGALRM, &act, NULL);
  struct itimerval often = {{0, 1500}, {0, 1500}};
  setitimer(ITIMER_REAL, &often, NULL);
  pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
  FILE *ready = fopen(argv[1], "w");
  fprintf(ready, "%lx %d\n", (unsigned long)counters, WORKERS);
  fclose(ready);
  uint64_t want = work(5);
  for (;;) {
    if (work(5) != want) wrong("sum of the first thread");
    counters[0]++;
  }
}
