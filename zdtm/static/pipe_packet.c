// zdtm: {"category": "pipes", "verifies": "a packet pipe keeps the bounds of its packets, and whether an end writes packets"}
#include "tst.h"

int main(void) {
  tst_begin();
  int ends[2];
  char text[8192];
  tst_sys(pipe2(ends, O_DIRECT | O_NONBLOCK));
  static const int lengths[] = {1, 100, 4096, 7, 2000, 1};
  for (int i = 0; i < 6; i++) {
    memset(text, 'a' + i, sizeof(text));
    tst_sys(write(ends[1], text, (size_t)lengths[i]));
  }
  tst_ready();
  TST_SPOIL tst_sys(read(ends[0], text, 1));
  for (int i = 0; i < 6; i++) {
    ssize_t got = read(ends[0], text, sizeof(text));
    tst_check(got == lengths[i] && text[0] == 'a' + i && text[got - 1] == 'a' + i, "packet %d has %zd bytes of %c", i,
              got, text[0]);
  }
  tst_check(read(ends[0], text, 1) == -1 && errno == EAGAIN, "there is more");
  tst_check(fcntl(ends[1], F_GETFL) & O_DIRECT, "the end does not write packets");
  tst_sys(write(ends[1], "one", 3));
  tst_sys(write(ends[1], "two", 3));
  tst_check(read(ends[0], text, sizeof(text)) == 3, "packets run together");
  return tst_pass();
}
