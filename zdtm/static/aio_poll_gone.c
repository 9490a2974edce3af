// zdtm: {"category": "aio", "verifies": "a request that waits for a descriptor and cannot be made again is refused before anything is touched, and goes on waiting", "needs": ["root", "file:/sys/kernel/btf/vmlinux"], "refused": "is not in memory any more as it was made"}
#include "aio_ring.h"

#include <poll.h>

int main(void) {
  tst_begin();
  aio_context_t context = aio_new(16);
  int pipes[2], other;
  tst_sys(pipe(pipes));
  struct iocb request = {.aio_data = 11, .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (unsigned)pipes[0], .aio_buf = POLLIN}, *list[] = {&request};
  tst_sys(syscall(SYS_io_submit, context, 1, list));
  /* the number is another file's by now, and the request goes on with the one that it had */
  other = tst_sys(open("/dev/null", O_RDONLY));
  int kept = tst_sys(dup(pipes[0]));
  tst_sys(dup2(other, pipes[0]));
  tst_ready();
  TST_SPOIL tst_sys(close(pipes[1])), pipes[1] = other;
  struct io_event event;
  tst_check(aio_get(context, 1, &event) == 0, "there is an answer too early");
  tst_check(write(pipes[1], "x", 1) == 1, "nobody reads");
  struct timespec patience = {2, 0};
  tst_check(syscall(SYS_io_getevents, context, 1, 1, &event, &patience) == 1 && event.data == 11 && event.res & POLLIN, "there is no answer");
  close(kept);
  return tst_pass();
}
