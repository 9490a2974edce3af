// zdtm: {"category": "sockets-unix", "verifies": "a bound seqpacket socket with an abstract name that does nothing yet can listen afterwards, an unbound one can be bound"}
#include "named.h"

int main(void) {
  tst_begin();
  named_name name = named_abstract("bound"), later = named_abstract("later");
  int fd = named_bound(SOCK_SEQPACKET, &name), fresh = tst_sys(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
  tst_ready();
  TST_SPOIL tst_sys(listen(fd, 1));
  tst_check(named_client(SOCK_SEQPACKET, &name) == -1 && errno == ECONNREFUSED, "the socket listens already");
  tst_sys(listen(fd, 5));
  named_serves(fd, SOCK_SEQPACKET, &name);
  tst_check(fcntl(fresh, F_GETFL) & O_NONBLOCK, "the flag of the unbound one is lost");
  tst_sys(bind(fresh, (void *)&later.address, later.length));
  tst_sys(listen(fresh, 1));
  named_serves(fresh, SOCK_SEQPACKET, &later);
  return tst_pass();
}
