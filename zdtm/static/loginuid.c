// zdtm: {"category": "misc", "flavours": ["h", "ns"], "verifies": "the login user id comes back"}
#include "tst.h"

static int put(const char *text) {
  int fd = open("/proc/self/loginuid", O_WRONLY);
  if (fd < 0) return -1;
  int failed = write(fd, text, strlen(text)) < 0 ? -1 : 0;
  close(fd);
  return failed;
}

int main(void) {
  tst_begin();
  if (put("4321") < 0) tst_skip("the login user id cannot be set: %s", strerror(errno));
  tst_ready();
  TST_SPOIL put("4322");
  char *is = tst_slurp("/proc/self/loginuid", NULL);
  tst_check(!strcmp(is, "4321"), "the login user id is %s", is);
  return tst_pass();
}
