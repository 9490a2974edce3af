// zdtm: {"category": "aio", "verifies": "requests that wait until descriptors are ready go on waiting, in several contexts, and are answered once", "needs": ["root", "file:/sys/kernel/btf/vmlinux"]}
#include "aio_ring.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum { POLLS = 3 };

/* A lost request must not keep the case for ever. */
static long await(aio_context_t context, struct io_event *events) {
  struct timespec patience = {2, 0};
  return syscall(SYS_io_getevents, context, 1, POLLS, events, &patience);
}

int main(void) {
  tst_begin();
  aio_context_t contexts[2] = {aio_new(16), aio_new(4)};
  int pipes[2], pair[2], tells = tst_sys(eventfd(0, EFD_NONBLOCK)), file = tst_sys(open("file", O_RDWR | O_CREAT, 0600));
  tst_sys(pipe(pipes));
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  struct iocb requests[POLLS] = {
      {.aio_data = 11, .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (unsigned)pipes[0], .aio_buf = POLLIN},
      {.aio_data = 22, .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (unsigned)pair[1], .aio_buf = POLLIN | POLLRDHUP, .aio_flags = IOCB_FLAG_RESFD, .aio_resfd = (unsigned)tells},
      {.aio_data = 33, .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (unsigned)pipes[0], .aio_buf = POLLIN}};
  struct iocb *list[POLLS] = {&requests[0], &requests[1], &requests[2]};
  struct io_event events[POLLS];
  /* a completion lies in the ring before them */
  tst_check(aio_put(contexts[0], file, 44, 0) == 1, "no request is taken");
  tst_sys(syscall(SYS_io_submit, contexts[0], 2, list));
  tst_sys(syscall(SYS_io_submit, contexts[1], 1, list + 2));
  tst_ready();
  TST_SPOIL syscall(SYS_io_cancel, contexts[1], list[2], events), aio_get(contexts[1], POLLS, events);
  tst_check(aio_get(contexts[0], POLLS, events) == 1 && events[0].data == 44, "what was complete is another");
  tst_check(aio_get(contexts[1], POLLS, events) == 0, "there is an answer too early");
  tst_sys(write(pipes[1], "x", 1));
  for (int i = 0; i < 2; i++) {
    long n = await(contexts[i], events);
    tst_check(n == 1 && events[0].data == (i ? 33 : 11) && events[0].obj == (uintptr_t)list[i ? 2 : 0], "context %d gives %ld answers", i, n);
    tst_check(events[0].res & POLLIN, "its answer is %llx", events[0].res);
  }
  uint64_t told;
  tst_check(read(tells, &told, 8) == -1 && errno == EAGAIN, "the eventfd tells too early");
  tst_sys(close(pair[0]));
  tst_check(await(contexts[0], events) == 1 && events[0].data == 22 && events[0].res & POLLRDHUP, "the end of a stream is not told");
  tst_check(read(tells, &told, 8) == 8 && told == 1, "the eventfd does not tell");
  return tst_pass();
}
