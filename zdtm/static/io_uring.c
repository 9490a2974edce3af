// zdtm: {"category": "aio", "refused": "an io_uring cannot be dumped[^]*kernel.io_uring_disabled=2", "verifies": "an io_uring is refused with what to do instead, and works on"}
#include "tst.h"
#include <linux/io_uring.h>

int main(void) {
  tst_begin();
  struct io_uring_params params = {0};
  int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
  if (ring < 0) tst_skip("no io_uring here: %s", strerror(errno));
  size_t bytes = params.sq_off.array + params.sq_entries * sizeof(uint32_t), entries = params.sq_entries * sizeof(struct io_uring_sqe);
  uint8_t *queue = tst_sys(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING));
  uint8_t *done = tst_sys(mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE,
                               MAP_SHARED, ring, IORING_OFF_CQ_RING));
  struct io_uring_sqe *request = tst_sys(mmap(NULL, entries, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES));
  tst_ready();
  memset(request, 0, sizeof(*request));
  request->opcode = IORING_OP_NOP;
  request->user_data = 77;
  ((uint32_t *)(queue + params.sq_off.array))[0] = 0;
  TST_SPOIL request->user_data = 78;
  ++*(volatile uint32_t *)(queue + params.sq_off.tail);
  tst_check(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1, "it takes nothing");
  struct io_uring_cqe *answer = (struct io_uring_cqe *)(done + params.cq_off.cqes);
  tst_check(answer->user_data == 77 && answer->res == 0, "the answer is %llu", (unsigned long long)answer->user_data);
  return tst_pass();
}
