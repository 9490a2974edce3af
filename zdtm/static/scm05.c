// zdtm: {"category": "sockets-unix", "verifies": "an epoll descriptor in flight, sent twice, watches the very socket that it waits in"}
#include "scm.h"

#include <sys/epoll.h>

int main(void) {
  tst_begin();
  int pair[2], one[SCM_MOST], two[SCM_MOST];
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  int poll = tst_sys(epoll_create1(0));
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x5c05};
  tst_sys(epoll_ctl(poll, EPOLL_CTL_ADD, pair[1], &event));
  scm_send(pair[0], "one", &poll, 1);
  scm_send(pair[0], "two", &poll, 1);
  close(poll);
  tst_ready();
  TST_SPOIL scm_take(pair[1], "one", one);
  tst_check(scm_take(pair[1], "one", one) == 1, "the first is lost");
  memset(&event, 0, sizeof(event));
  tst_check(epoll_wait(one[0], &event, 1, 0) == 1 && event.data.u64 == 0x5c05, "the second message is not noticed");
  tst_check(scm_take(pair[1], "two", two) == 1, "the second is lost");
  tst_check(epoll_wait(two[0], &event, 1, 0) == 0, "an empty queue is noticed");
  tst_sys(send(pair[0], "x", 1, 0));
  tst_check(epoll_wait(two[0], &event, 1, 0) == 1, "new messages are not noticed");
  return tst_pass();
}
