// zdtm: {"category": "pipes", "verifies": "many readers of one pipe share its bytes: each record is read once, by one of them"}
#include "tst.h"

enum { READERS = 5 };
static int ends[2];
static volatile uint64_t *sums;

static int reader(void *number) {
  int n = (int)(intptr_t)number;
  close(ends[1]);
  for (uint32_t record; read(ends[0], &record, sizeof(record)) == sizeof(record);) {
    sums[2 * n] += record;
    sums[2 * n + 1]++;
  }
  return 0;
}

int main(void) {
  tst_begin();
  sums = tst_shared(4096);
  tst_sys(pipe(ends));
  for (int i = 0; i < READERS; i++) tst_child(reader, (void *)(intptr_t)i);
  close(ends[0]);
  tst_mark_ready();
  uint64_t sum = 0, count = 0, got_sum = 0, got_count = 0;
  do {
    uint32_t record = (uint32_t)(count * 2654435761u);
    tst_sys(write(ends[1], &record, sizeof(record)));
    sum += record;
    count++;
    if (count % 64 == 0) tst_nap();
  } while (tst_going());
  close(ends[1]);
  for (int i = 0; i < READERS; i++) tst_check(wait(NULL) > 0, "a reader is lost");
  TST_SPOIL sums[0]++;
  for (int i = 0; i < READERS; i++) {
    got_sum += sums[2 * i];
    got_count += sums[2 * i + 1];
  }
  tst_check(got_count == count && got_sum == sum, "%lu records of %lu arrived, sum %lu of %lu", (unsigned long)got_count,
            (unsigned long)count, (unsigned long)got_sum, (unsigned long)sum);
  return tst_pass();
}
