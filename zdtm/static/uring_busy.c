// zdtm: {"category": "uring", "verifies": "an io_uring that waits for a pipe is refused", "refused": "io_uring has requests under way[^]*dump it again when they have ended", "needs": ["root", "file:/sys/kernel/btf/vmlinux"]}
#include "uring.h"

#include <poll.h>

int main(void) {
  tst_begin();
  int pipes[2];
  tst_sys(pipe(pipes));
  struct uring ring = uring_new(8, 0);
  uring_put(&ring, IORING_OP_POLL_ADD, pipes[0], 5)->poll32_events = POLLIN;
  tst_check(uring_enter(&ring, 1, 0) == 1, "it takes no request: %s", strerror(errno));
  tst_ready();
  tst_check(write(pipes[1], "x", 1) == 1, "cannot write");
  tst_check(uring_enter(&ring, 0, 1) == 0, "cannot wait: %s", strerror(errno));
  uring_answer(&ring, 5, POLLIN);
  return tst_pass();
}
