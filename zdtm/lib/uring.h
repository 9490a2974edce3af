/* An io_uring, without a library. */
#ifndef URING_H
#define URING_H
#include "tst.h"
#include <linux/io_uring.h>

struct uring {
  int fd;
  unsigned *sq_tail, *sq_array, *cq_head, *cq_tail;
  unsigned sq_mask, cq_mask, sq_next;
  struct io_uring_sqe *sqes;
  struct io_uring_cqe *cqes;
  char *queues;
};

static inline struct uring uring_new(unsigned entries, unsigned flags) {
  struct io_uring_params p = {.flags = flags};
  struct uring r = {.fd = (int)syscall(SYS_io_uring_setup, entries, &p)};
  if (r.fd < 0) tst_skip("this kernel makes no io_uring: %s", strerror(errno));
  size_t size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
  if (p.sq_off.array + p.sq_entries * 4 > size) size = p.sq_off.array + p.sq_entries * 4;
  r.queues = tst_sys(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r.fd, IORING_OFF_SQ_RING));
  r.sqes = tst_sys(mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_POPULATE, r.fd, (off_t)IORING_OFF_SQES));
  tst_sys(madvise(r.queues, size, MADV_DONTFORK));
  r.sq_tail = (void *)(r.queues + p.sq_off.tail);
  r.sq_array = (void *)(r.queues + p.sq_off.array);
  r.cq_head = (void *)(r.queues + p.cq_off.head);
  r.cq_tail = (void *)(r.queues + p.cq_off.tail);
  r.cqes = (void *)(r.queues + p.cq_off.cqes);
  r.sq_mask = p.sq_entries - 1;
  r.cq_mask = p.cq_entries - 1;
  return r;
}

/* Puts a request into the queue; nobody is told of it yet. */
static inline struct io_uring_sqe *uring_put(struct uring *r, int opcode, int fd, uint64_t data) {
  unsigned slot = r->sq_next++ & r->sq_mask;
  struct io_uring_sqe *sqe = &r->sqes[slot];
  memset(sqe, 0, sizeof(*sqe));
  sqe->opcode = (uint8_t)opcode;
  sqe->fd = fd;
  sqe->user_data = data;
  r->sq_array[slot] = slot;
  __atomic_store_n(r->sq_tail, r->sq_next, __ATOMIC_RELEASE);
  return sqe;
}

static inline long uring_enter(struct uring *r, unsigned submit, unsigned wait) {
  long n;
  do n = syscall(SYS_io_uring_enter, r->fd, submit, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
  while (n < 0 && errno == EINTR);
  return n;
}

/* Takes an answer out; false when there is none. */
static inline bool uring_take(struct uring *r, struct io_uring_cqe *into) {
  unsigned head = *r->cq_head;
  if (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE)) return false;
  *into = r->cqes[head & r->cq_mask];
  __atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
  return true;
}

/* Takes the answer that has to be next. */
static inline void uring_answer(struct uring *r, uint64_t data, int result) {
  struct io_uring_cqe cqe = {0};
  tst_check(uring_take(r, &cqe), "there is no answer %llx", (unsigned long long)data);
  tst_check(cqe.user_data == data && cqe.res == result, "the answer is %llx, %d, not %llx, %d",
            (unsigned long long)cqe.user_data, cqe.res, (unsigned long long)data, result);
}
#endif
