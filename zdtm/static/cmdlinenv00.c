// zdtm: {"category": "misc", "env": {"A_VARIABLE": "of some value"}, "verifies": "/proc/self shows the same cmdline, environ and auxv"}
#include "tst.h"

int main(void) {
  tst_begin();
  static const char *const names[] = {"/proc/self/cmdline", "/proc/self/environ", "/proc/self/auxv"};
  char *was[3];
  size_t length[3], now;
  for (int i = 0; i < 3; i++) was[i] = tst_slurp(names[i], &length[i]);
  tst_check(length[0] > 1 && length[2] > 100, "/proc shows nothing");
  tst_ready();
  TST_SPOIL was[1][0]++;
  for (int i = 0; i < 3; i++) {
    char *is = tst_slurp(names[i], &now);
    tst_check(now == length[i] && !memcmp(is, was[i], now), "%s has changed", names[i]);
    free(is);
  }
  return tst_pass();
}
