// zdtm: {"category": "aio", "verifies": "asynchronous reads and writes past the page cache (O_DIRECT) are answered once each, with their bytes, however many are under way"}
#include "aio_ring.h"

enum { AT_ONCE = 16, PART = 65536 };

int main(void) {
  tst_begin();
  int fd = open("file", O_RDWR | O_CREAT | O_DIRECT, 0600);
  if (fd < 0) tst_skip("this file system has no O_DIRECT");
  uint8_t *memory = tst_private(AT_ONCE * PART);
  tst_sys(posix_fallocate(fd, 0, AT_ONCE * PART) == 0 ? 0 : -1);
  aio_context_t context = aio_new(AT_ONCE);
  struct iocb requests[AT_ONCE] = {0}, *list[AT_ONCE];
  tst_mark_ready();
  for (unsigned turn = 0, last = 0; !last; turn++) {
    last = !tst_going();
    for (int step = 0; step < 2; step++) {
      bool puts = step == 0;
      for (unsigned i = 0; i < AT_ONCE; i++) {
        if (puts) tst_fill(memory + i * PART, PART, turn + i);
        else memset(memory + i * PART, 0, PART);
        requests[i] = (struct iocb){.aio_data = i, .aio_lio_opcode = puts ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
                                    .aio_fildes = (unsigned)fd, .aio_buf = (uintptr_t)(memory + i * PART),
                                    .aio_nbytes = PART, .aio_offset = (long long)i * PART};
        list[i] = &requests[i];
      }
      tst_check(syscall(SYS_io_submit, context, AT_ONCE, list) == AT_ONCE, "not all are taken: %s", strerror(errno));
      unsigned seen = 0;
      while (seen != (1u << AT_ONCE) - 1) {
        struct io_event events[AT_ONCE];
        long n = syscall(SYS_io_getevents, context, 1, AT_ONCE, events, NULL);
        if (n < 0 && errno == EINTR) continue;
        tst_check(n > 0, "no answer comes: %s", strerror(errno));
        for (long i = 0; i < n; i++) {
          tst_check(events[i].res == PART, "request %llu was answered %lld", events[i].data, events[i].res);
          tst_check(!(seen & 1u << events[i].data), "request %llu was answered twice", events[i].data);
          seen |= 1u << events[i].data;
        }
      }
    }
    TST_SPOIL if (last) memory[7] ^= 1;
    for (unsigned i = 0; i < AT_ONCE; i++)
      tst_check(tst_differs(memory + i * PART, PART, turn + i) < 0, "wrong bytes in turn %u, part %u", turn, i);
  }
  return tst_pass();
}
