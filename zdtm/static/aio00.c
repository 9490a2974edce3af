// zdtm: {"category": "aio", "verifies": "an AIO context that holds nothing works under its address"}
#include "aio_ring.h"

int main(void) {
  tst_begin();
  aio_context_t context = aio_new(16);
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0600));
  struct io_event event;
  tst_ready();
  TST_SPOIL tst_sys(syscall(SYS_io_destroy, context));
  tst_check(aio_get(context, 1, &event) == 0, "the context is not empty: %s", strerror(errno));
  tst_check(aio_put(context, fd, 0x5eed, 8) == 1, "it takes no request: %s", strerror(errno));
  tst_until(aio_get(context, 1, &event) == 1, "the request is not answered");
  tst_check(event.data == 0x5eed && event.res == 8, "the answer is %llx, %lld", event.data, event.res);
  uint64_t word = 0;
  tst_sys(pread(fd, &word, sizeof(word), 8));
  tst_check(word == 0x5eed, "the file holds %lx", (long)word);
  tst_sys(syscall(SYS_io_destroy, context));
  return tst_pass();
}
