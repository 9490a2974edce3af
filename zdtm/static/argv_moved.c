// zdtm: {"category": "memory", "verifies": "a task that has moved its arguments with PR_SET_MM_MAP still shows them from there"}
#include "tst.h"

#include <linux/prctl.h>

int main(void) {
  tst_begin();
  size_t length;
  char *area = tst_private(tst_page());
  static const char line[] = "moved\0arguments\0of a task";
  memcpy(area, line, sizeof(line));
  char *stat = tst_slurp("/proc/self/stat", NULL), *at = strrchr(stat, ')') + 1;
  unsigned long long field[53] = {0};
  for (int i = 3; i <= 52; i++) {
    while (*at == ' ') at++;
    field[i] = strtoull(at, NULL, 10);
    at += strcspn(at, " ");
  }
  struct prctl_mm_map map = {
      .start_code = field[26], .end_code = field[27], .start_data = field[45], .end_data = field[46],
      .start_brk = field[47], .brk = (uintptr_t)sbrk(0), .start_stack = field[28], .arg_start = (uintptr_t)area,
      .arg_end = (uintptr_t)area + sizeof(line), .env_start = field[50], .env_end = field[51], .exe_fd = -1u,
  };
  if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0)) tst_skip("PR_SET_MM_MAP: %s", strerror(errno));
  char *before = tst_slurp("/proc/self/cmdline", &length);
  tst_check(length == sizeof(line) && !memcmp(before, line, length), "the arguments do not show");
  tst_ready();
  TST_SPOIL area[0] = 'g';
  char *after = tst_slurp("/proc/self/cmdline", &length);
  tst_check(length == sizeof(line) && !memcmp(after, line, length), "the arguments are not the moved ones");
  return tst_pass();
}
