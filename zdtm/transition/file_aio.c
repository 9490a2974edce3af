// zdtm: {"category": "aio", "verifies": "POSIX asynchronous reads of a file go on, each with the bytes of its place"}
#include "tst.h"
#include <aio.h>

enum { AT_ONCE = 4, PART = 8192, PARTS = 32 };

int main(void) {
  static uint8_t content[PARTS * PART], got[AT_ONCE][PART];
  tst_begin();
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0600));
  tst_fill(content, sizeof(content), 9);
  tst_check(write(fd, content, sizeof(content)) == sizeof(content), "cannot write the file");
  tst_mark_ready();
  for (unsigned turn = 0, last = 0; !last; turn++) {
    last = !tst_going();
    TST_SPOIL if (last) for (int i = 0; i < PARTS; i++) content[i * PART] ^= 1;
    struct aiocb requests[AT_ONCE];
    for (int i = 0; i < AT_ONCE; i++) {
      requests[i] = (struct aiocb){.aio_fildes = fd, .aio_buf = got[i], .aio_nbytes = PART,
                                   .aio_offset = (off_t)((turn * AT_ONCE + (unsigned)i) % PARTS * PART)};
      tst_sys(aio_read(&requests[i]));
    }
    for (int i = 0; i < AT_ONCE; i++) {
      const struct aiocb *one[] = {&requests[i]};
      while (aio_error(&requests[i]) == EINPROGRESS) aio_suspend(one, 1, NULL);
      tst_check(aio_return(&requests[i]) == PART, "a read was answered %zd, %s", aio_return(&requests[i]),
                strerror(aio_error(&requests[i])));
      tst_check(memcmp(got[i], content + requests[i].aio_offset, PART) == 0, "wrong bytes at %ld",
                (long)requests[i].aio_offset);
    }
  }
  return tst_pass();
}
