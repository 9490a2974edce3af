// zdtm: {"category": "pipes", "verifies": "pipes larger and smaller than usual keep their capacity and take as much as before"}
#include "tst.h"

int main(void) {
  tst_begin();
  static const int wanted[] = {4096, 16384, 262144, 1048576};
  int ends[4][2], sizes[4];
  for (int i = 0; i < 4; i++) {
    tst_sys(pipe2(ends[i], O_NONBLOCK));
    tst_sys(fcntl(ends[i][0], F_SETPIPE_SZ, wanted[i]));
    sizes[i] = tst_sys(fcntl(ends[i][1], F_GETPIPE_SZ));
    tst_sys(write(ends[i][1], "0123456789", 10));
  }
  tst_ready();
  TST_SPOIL tst_sys(fcntl(ends[2][0], F_SETPIPE_SZ, 65536));
  for (int i = 0; i < 4; i++) {
    int is = tst_sys(fcntl(ends[i][1], F_GETPIPE_SZ));
    tst_check(is == sizes[i], "pipe %d: %d bytes instead of %d", i, is, sizes[i]);
    char text[16] = {0};
    tst_check(read(ends[i][0], text, 15) == 10 && !strcmp(text, "0123456789"), "pipe %d holds %s", i, text);
    char *bytes = calloc(1, (size_t)is);
    tst_check(write(ends[i][1], bytes, (size_t)is) == is, "pipe %d takes less than its size", i);
    free(bytes);
  }
  return tst_pass();
}
