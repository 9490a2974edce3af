// zdtm: {"category": "files", "verifies": "many tasks that write, map and read their own files all the time never read anything wrong"}
#include "tst.h"

enum { TASKS = 6, BYTES = 20000 };
static tst_step *step;

static int work(void *number) {
  char name[32];
  static uint8_t bytes[BYTES];
  snprintf(name, sizeof(name), "file%d", (int)(intptr_t)number);
  int fd = tst_sys(open(name, O_RDWR | O_CREAT, 0644));
  tst_sys(ftruncate(fd, BYTES));
  uint8_t *map = tst_sys(mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0));
  for (uint32_t seed = 1; step->value < 1; seed++) {
    tst_fill(bytes, BYTES, seed);
    tst_sys(lseek(fd, 0, SEEK_SET));
    for (int at = 0; at < BYTES; at += 1000) tst_sys(write(fd, bytes + at, 1000));
    memset(bytes, 0, BYTES);
    tst_sys(lseek(fd, 0, SEEK_SET));
    for (int at = 0; at < BYTES; at += 500) tst_check(read(fd, bytes + at, 500) == 500, "a short read");
    TST_SPOIL if (seed > 20 && number == NULL) bytes[5]++;
    tst_check(tst_differs(bytes, BYTES, seed) < 0, "task %s: byte %ld is wrong", name, tst_differs(bytes, BYTES, seed));
    tst_check(tst_differs(map, BYTES, seed) < 0, "task %s: the map is wrong at %ld", name, tst_differs(map, BYTES, seed));
  }
  return 7;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pid_t pids[TASKS];
  for (int i = 0; i < TASKS; i++) pids[i] = tst_child(work, (void *)(intptr_t)i);
  tst_ready();
  tst_until(!tst_spoiling() || access("verdict", F_OK) == 0, "no failure comes");
  tst_set(step, 1);
  for (int i = 0; i < TASKS; i++) tst_check(WEXITSTATUS(tst_reap(pids[i])) == 7, "task %d ended otherwise", i);
  return tst_pass();
}
