/* Contexts of asynchronous I/O, without a library. */
#ifndef AIO_RING_H
#define AIO_RING_H
#include "tst.h"
#include <linux/aio_abi.h>

/* The ring of a context, as the kernel lays it out (fs/aio.c). */
struct aio_ring {
  unsigned id, nr, head, tail, magic, compat, incompat, length;
  struct io_event events[];
};

static inline aio_context_t aio_new(unsigned requests) {
  aio_context_t context = 0;
  tst_sys(syscall(SYS_io_setup, requests, &context));
  return context;
}

/* One request that writes a word into a file, and says so by its data when it is done. */
static inline long aio_put(aio_context_t context, int fd, uint64_t word, off_t at) {
  struct iocb request = {.aio_data = word, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (unsigned)fd,
                         .aio_buf = (uintptr_t)&word, .aio_nbytes = sizeof(word), .aio_offset = at};
  struct iocb *list[] = {&request};
  return syscall(SYS_io_submit, context, 1, list);
}

/* Completions that are there, without waiting. */
static inline long aio_get(aio_context_t context, long most, struct io_event *events) {
  struct timespec none = {0};
  return syscall(SYS_io_getevents, context, 0, most, events, &none);
}
#endif
