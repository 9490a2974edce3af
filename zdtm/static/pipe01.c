// zdtm: {"category": "pipes", "verifies": "a full pipe keeps every byte, and its ends, duplicated and opened anew, their flags"}
#include "tst.h"

int main(void) {
  tst_begin();
  int ends[2], copies[2];
  tst_sys(pipe2(ends, O_NONBLOCK));
  int size = tst_sys(fcntl(ends[1], F_GETPIPE_SZ));
  uint8_t *bytes = malloc((size_t)size);
  tst_fill(bytes, (size_t)size, 9);
  tst_check(write(ends[1], bytes, (size_t)size) == size, "the pipe takes less than %d bytes", size);
  copies[0] = tst_sys(dup(ends[0]));
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
  copies[1] = tst_sys(open(path, O_WRONLY | O_APPEND));
  tst_sys(fcntl(copies[0], F_SETFD, FD_CLOEXEC));
  tst_ready();
  TST_SPOIL tst_sys(read(ends[0], path, 1));
  tst_check(write(ends[1], "x", 1) == -1 && errno == EAGAIN, "the pipe is not full");
  tst_check(fcntl(ends[0], F_GETFL) == (O_RDONLY | O_NONBLOCK), "flags %x", fcntl(ends[0], F_GETFL));
  tst_check((fcntl(copies[1], F_GETFL) & ~0100000) == (O_WRONLY | O_APPEND), "flags %x", fcntl(copies[1], F_GETFL));
  tst_check(fcntl(copies[0], F_GETFD) == FD_CLOEXEC && fcntl(ends[0], F_GETFD) == 0, "close-on-exec is wrong");
  memset(bytes, 0, (size_t)size);
  for (int have = 0; have < size;) have += (int)tst_sys(read(copies[0], bytes + have, 777));
  tst_check(tst_differs(bytes, (size_t)size, 9) < 0, "byte %ld is wrong", tst_differs(bytes, (size_t)size, 9));
  tst_check(read(ends[0], path, 1) == -1 && errno == EAGAIN, "the pipe is not empty");
  /* A duplicate shares the flags, an end that was opened anew does not. */
  tst_sys(fcntl(copies[0], F_SETFL, 0));
  tst_check(fcntl(ends[0], F_GETFL) == O_RDONLY, "the duplicate has flags of its own");
  tst_sys(fcntl(copies[1], F_SETFL, O_NONBLOCK));
  tst_check(fcntl(ends[1], F_GETFL) == (O_WRONLY | O_NONBLOCK), "the end opened anew has lost flags of its own");
  return tst_pass();
}
