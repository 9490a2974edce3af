// zdtm: {"category": "fifo", "verifies": "a chain of tasks passes bytes on through named pipes without loss"}
#include "tst.h"

enum { LINKS = 4 };

static int pass_on(void *number) {
  char in[16], out[16];
  uint32_t record;
  snprintf(in, sizeof(in), "pipe%d", (int)(intptr_t)number);
  snprintf(out, sizeof(out), "pipe%d", (int)(intptr_t)number + 1);
  int from = tst_sys(open(in, O_RDONLY)), to = tst_sys(open(out, O_WRONLY));
  while (read(from, &record, sizeof(record)) == sizeof(record)) {
    record++;
    tst_sys(write(to, &record, sizeof(record)));
  }
  return 0;
}

int main(void) {
  tst_begin();
  for (int i = 0; i <= LINKS; i++) {
    char name[16];
    snprintf(name, sizeof(name), "pipe%d", i);
    tst_sys(mkfifo(name, 0600));
  }
  for (int i = 0; i < LINKS; i++) tst_child(pass_on, (void *)(intptr_t)i);
  int to = tst_sys(open("pipe0", O_WRONLY)), from = tst_sys(open("pipe4", O_RDONLY));
  tst_mark_ready();
  uint32_t sent = 0, got, ahead = 0;
  bool last;
  do {
    last = !tst_going();
    for (ahead = 0; ahead < 50; ahead++) {
      uint32_t record = sent + ahead;
      tst_sys(write(to, &record, sizeof(record)));
    }
    for (ahead = 0; ahead < 50; ahead++) {
      tst_check(read(from, &got, sizeof(got)) == sizeof(got), "the chain is broken");
      if (last) TST_SPOIL got++;
      tst_check(got == sent + ahead + LINKS, "record %u is %u", sent + ahead, got);
    }
    sent += 50;
  } while (!last);
  close(to);
  for (int i = 0; i < LINKS; i++) tst_check(wait(NULL) > 0, "a task of the chain is lost");
  return tst_pass();
}
