/*
 * The body of the cow01 and cow02 cases: three generations, each of which writes, drops or unmaps some of the pages
 * that it has from the one before.
 */
#ifndef GENERATIONS_H
#define GENERATIONS_H
#include "frames.h"

#define PAGES 96
#define TASKS 3

/* What generation n (1, 2) does to page i right after its fork. */
enum { KEEP, WRITE, DROP, UNMAP };
static bool with_unmap;
static int act(int generation, int i) {
  int what = (i / (generation == 1 ? 1 : 4)) % 4;
  return what == UNMAP && !with_unmap ? KEEP : what;
}

static uint8_t *memory, *file;
static size_t page;
static struct {
  tst_step ready, check, done;
  pid_t pids[TASKS];
} *shared;

static uint32_t seed_of(int generation, int i) {
  uint32_t seed = i % 11 == 10 ? 0 : 1 + (uint32_t)i; /* some are never written by the first */
  for (int n = 1; n <= generation; n++) {
    if (act(n, i) == WRITE) seed = (uint32_t)(1000 * n + i);
    if (act(n, i) == DROP) seed = 0;
    if (act(n, i) == UNMAP) return UINT32_MAX;
  }
  return seed;
}

static void look(int generation) {
  for (int i = 0; i < PAGES; i++) {
    uint32_t seed = seed_of(generation, i);
    uint8_t *at = memory + (size_t)i * page;
    if (seed == UINT32_MAX) tst_check(tst_faults(at, false) == SIGSEGV, "generation %d: page %d is back", generation, i);
    else if (seed) tst_check(tst_differs(at, page, seed) < 0, "generation %d: page %d is wrong", generation, i);
  }
  tst_check(file[3] == 0x10 + generation, "generation %d: the change to the file mapping is lost", generation);
}

static int grow(int generation) {
  for (int i = 0; i < PAGES; i++) {
    uint8_t *at = memory + (size_t)i * page;
    if (generation == 0 || seed_of(generation - 1, i) == UINT32_MAX) continue;
    if (act(generation, i) == WRITE) tst_fill(at, page, (uint32_t)(1000 * generation + i));
    if (act(generation, i) == DROP) tst_sys(madvise(at, page, MADV_DONTNEED));
    if (act(generation, i) == UNMAP) tst_sys(munmap(at, page));
  }
  file[3] = (uint8_t)(0x10 + generation);
  shared->pids[generation] = getpid();
  if (generation == TASKS - 1) tst_set(&shared->ready, 1);
  else if (fork() == 0) _exit(grow(generation + 1));
  if (generation == 0) return 0;
  tst_await(&shared->check, 1);
  look(generation);
  tst_raise(&shared->done);
  tst_sleep();
}

/* For each page and pair of tasks: 1 when both have the very same page. */
static bool same(int a, int b, int i) {
  uint64_t x = frame_of(shared->pids[a], memory + (size_t)i * page);
  return x && x == frame_of(shared->pids[b], memory + (size_t)i * page);
}

static int generations_case(bool unmaps) {
  tst_begin();
  with_unmap = unmaps;
  page = tst_page();
  shared = tst_shared(sizeof(*shared));
  memory = tst_private(PAGES * page);
  tst_sys(madvise(memory, PAGES * page, MADV_NOHUGEPAGE));
  int fd = tst_sys(open("cow", O_RDWR | O_CREAT, 0600));
  tst_sys(ftruncate(fd, (off_t)page));
  file = tst_sys(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  close(fd);
  for (int i = 0; i < PAGES; i++)
    if (i % 11 != 10) tst_fill(memory + (size_t)i * page, page, (uint32_t)(1 + i));
  grow(0);
  tst_await(&shared->ready, 1);
  static bool before[TASKS][TASKS][PAGES];
  for (int a = 0; a < TASKS; a++)
    for (int b = 0; b < a; b++)
      for (int i = 0; i < PAGES; i++) before[a][b][i] = same(a, b, i);
  tst_ready();
  TST_SPOIL memory[0] = 0;
  for (int a = 0; a < TASKS; a++)
    for (int b = 0; b < a; b++)
      for (int i = 0; i < PAGES; i++)
        tst_check(before[a][b][i] == same(a, b, i), "page %d of generations %d and %d is %s", i, b, a,
                  before[a][b][i] ? "not shared any more" : "shared now");
  look(0);
  tst_set(&shared->check, 1);
  tst_until(shared->done.value == TASKS - 1, "the children do not answer");
  return tst_pass();
}

#endif
