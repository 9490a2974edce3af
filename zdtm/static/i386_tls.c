// zdtm: {"category": "threads", "needs": ["i386"], "verifies": "threads of a 32-bit program keep their thread-local variables and segments of their own (set_thread_area)"}
#include "tst.h"

#include <asm/ldt.h>

#define THREADS 4

static tst_step *up, *go;
static __thread uint32_t local = 0xdead;
static uint32_t pages[THREADS + 1][1024];

/* Takes a free slot for a segment of 4 KiB and loads it into fs. */
static struct user_desc own_segment(int n) {
  struct user_desc desc = {.entry_number = -1,
                           .base_addr = (unsigned)(uintptr_t)pages[n],
                           .limit = 4095,
                           .seg_32bit = 1,
                           .useable = 1};
  tst_sys(syscall(SYS_set_thread_area, &desc));
  asm volatile("mov %0, %%fs" : : "r"((uint16_t)(desc.entry_number << 3 | 3)));
  return desc;
}

static void look(int n, const struct user_desc *was) {
  uint32_t by_segment, limit = 0;
  uint16_t selector;
  struct user_desc now = {.entry_number = was->entry_number};
  asm volatile("mov %%fs, %0" : "=r"(selector));
  tst_check(selector == (was->entry_number << 3 | 3), "thread %d: fs is %x", n, selector);
  asm volatile("movl %%fs:8, %0" : "=r"(by_segment));
  tst_check(by_segment == 1000u + (unsigned)n, "thread %d reads %u by its segment", n, by_segment);
  asm volatile("lsl %1, %0" : "=r"(limit) : "r"((uint32_t)selector));
  tst_check(limit == 4095, "thread %d: the segment's limit is %u", n, limit);
  tst_sys(syscall(SYS_get_thread_area, &now));
  tst_check(now.base_addr == was->base_addr && now.seg_32bit && !now.limit_in_pages, "thread %d: another segment", n);
  tst_check(local == (unsigned)n * 3, "thread %d: its variable is %u", n, local);
}

static void *thread(void *which) {
  int n = (int)(intptr_t)which;
  local = (unsigned)n * 3;
  pages[n][2] = 1000u + (unsigned)n;
  struct user_desc was = own_segment(n);
  tst_raise(up);
  tst_await(go, 1);
  TST_SPOIL local++;
  look(n, &was);
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[THREADS];
  up = tst_new_step();
  go = tst_new_step();
  local = 3 * THREADS;
  pages[THREADS][2] = 1000 + THREADS;
  for (intptr_t i = 0; i < THREADS; i++) tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
  tst_await(up, THREADS);
  struct user_desc was = own_segment(THREADS);
  tst_ready();
  look(THREADS, &was);
  tst_set(go, 1);
  for (int i = 0; i < THREADS; i++) tst_pthread(pthread_join(ids[i], NULL));
  return tst_pass();
}
