// zdtm: {"category": "uring", "verifies": "an io_uring keeps its counters, answers that nobody has fetched and a request that it was not told of", "except": {"thread": "the kernel makes a thread that writes when it likes", "status Threads": "the kernel makes a thread that writes when it likes"}, "needs": ["root", "file:/sys/kernel/btf/vmlinux"]}
#include "uring.h"

/* More than the queues hold, and no multiple of that. */
enum { BEFORE = 1003 };

int main(void) {
  tst_begin();
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0600));
  struct uring ring = uring_new(16, 0);
  for (int i = 0; i < BEFORE; i++) {
    uring_put(&ring, IORING_OP_NOP, -1, (uint64_t)i);
    tst_check(uring_enter(&ring, 1, 1) == 1, "it takes no request: %s", strerror(errno));
    uring_answer(&ring, (uint64_t)i, 0);
  }
  int other = tst_sys(dup(ring.fd));
  static char word[] = "a word to be written";
  for (uint64_t i = 0; i < 2; i++) {
    struct io_uring_sqe *sqe = uring_put(&ring, IORING_OP_WRITE, fd, 0x1000 + i);
    sqe->addr = (uintptr_t)word;
    sqe->len = 4;
    sqe->off = i * 4;
  }
  tst_check(uring_enter(&ring, 2, 2) == 2, "it takes no requests: %s", strerror(errno));
  struct io_uring_sqe *late = uring_put(&ring, IORING_OP_WRITE, fd, 0x2000);
  late->addr = (uintptr_t)word;
  late->len = sizeof(word);
  late->off = 8;
  tst_ready();
  TST_SPOIL *ring.cq_head += 1;
  uring_answer(&ring, 0x1000, 4);
  uring_answer(&ring, 0x1001, 4);
  ring.fd = other;
  tst_check(uring_enter(&ring, 1, 1) == 1, "the request that was made before is not taken: %s", strerror(errno));
  uring_answer(&ring, 0x2000, sizeof(word));
  char got[8 + sizeof(word)];
  tst_check(pread(fd, got, sizeof(got), 0) == sizeof(got) && memcmp(got, "a woa wo", 8) == 0 && strcmp(got + 8, word) == 0,
            "the file holds something else");
  for (int i = 0; i < BEFORE; i++) {
    uring_put(&ring, IORING_OP_NOP, -1, (uint64_t)i);
    tst_check(uring_enter(&ring, 1, 1) == 1, "it takes no more requests: %s", strerror(errno));
    uring_answer(&ring, (uint64_t)i, 0);
  }
  return tst_pass();
}
