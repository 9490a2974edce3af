// zdtm: {"category": "threads", "verifies": "the word that the kernel clears and wakes at a thread's end is still the same one"}
#include "tst.h"

#include <linux/futex.h>

static struct {
  tst_step up, end;
  int word;
  char stack[65536] __attribute__((aligned(16)));
} bare;
static tst_step *end;

/* A thread without the C library's own: only its word tells that it has ended. */
static int run(void *unused) {
  (void)unused;
  tst_raise(&bare.up);
  tst_await(&bare.end, 1);
  TST_SPOIL syscall(SYS_set_tid_address, NULL);
  syscall(SYS_exit, 0);
  return 0;
}

static void *thread(void *unused) {
  (void)unused;
  tst_raise(&bare.up);
  tst_await(end, 1);
  return NULL;
}

int main(void) {
  tst_begin();
  end = tst_new_step();
  pthread_t id;
  int *address = NULL, *before = NULL, seen;
  int tid = tst_sys(clone(run, bare.stack + sizeof(bare.stack),
                          CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                              CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID,
                          NULL, NULL, NULL, &bare.word));
  tst_pthread(pthread_create(&id, NULL, thread, NULL));
  tst_await(&bare.up, 2);
  tst_check(bare.word == tid, "the kernel has not written the id");
  bool readable = prctl(PR_GET_TID_ADDRESS, &before) == 0;
  tst_ready();
  if (readable) tst_sys(prctl(PR_GET_TID_ADDRESS, &address));
  tst_check(address == before, "the first thread's word is at %p, was at %p", (void *)address, (void *)before);
  tst_check(bare.word == tid, "the word is %d, not %d", bare.word, tid);
  tst_set(&bare.end, 1);
  tst_until(tst_spoiling() || __atomic_load_n(&bare.word, __ATOMIC_SEQ_CST) == 0, "the word is never cleared");
  TST_SPOIL {
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
    tst_until(access(path, F_OK), "the thread stays");
  }
  seen = __atomic_load_n(&bare.word, __ATOMIC_SEQ_CST);
  tst_check(seen == 0, "the word is %d after the end", seen);
  tst_set(end, 1);
  tst_pthread(pthread_join(id, NULL)); /* waits for that thread's word */
  return tst_pass();
}
