// zdtm: {"category": "sockets-inet", "verifies": "POSIX asynchronous reads of TCP connections that wait for data are answered with what comes afterwards", "opts": ["--tcp-established"]}
#include "tcp.h"

#include <aio.h>

enum { PAIRS = 2 };

int main(void) {
  tst_begin();
  tcp_pair pairs[PAIRS];
  static char got[PAIRS][16];
  struct aiocb requests[PAIRS];
  for (int i = 0; i < PAIRS; i++) {
    pairs[i] = tcp_connect(i ? TCP_SIX : TCP_FOUR);
    requests[i] = (struct aiocb){.aio_fildes = pairs[i].server, .aio_buf = got[i], .aio_nbytes = sizeof(got[i])};
    tst_sys(aio_read(&requests[i]));
  }
  tst_until(tst_status(getpid(), "Threads", 10) == 1 + PAIRS, "nobody reads");
  tst_ready();
  for (int i = 0; i < PAIRS; i++) {
    const struct aiocb *one[] = {&requests[i]};
    tst_check(aio_error(&requests[i]) == EINPROGRESS, "a read was answered too early: %s", strerror(aio_error(&requests[i])));
    tcp_send(pairs[i].client, i ? "to six" : "to four");
    while (aio_error(&requests[i]) == EINPROGRESS) aio_suspend(one, 1, NULL);
    TST_SPOIL got[i][0] = 1;
    ssize_t size = aio_return(&requests[i]);
    tst_check(size == (i ? 6 : 7) && !memcmp(got[i], i ? "to six" : "to four", (size_t)size), "a read was answered %zd, \"%.*s\"", size, (int)sizeof(got[i]), got[i]);
  }
  return tst_pass();
}
