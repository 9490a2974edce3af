// zdtm: {"category": "sockets-unix", "verifies": "a seqpacket listener keeps its path and lets clients in, a second one its abstract name"}
#include "named.h"

int main(void) {
  tst_begin();
  named_name name = named_path("listener"), abstract = named_abstract("seqpacket");
  int fd = named_bound(SOCK_SEQPACKET, &name), other = named_bound(SOCK_SEQPACKET | SOCK_CLOEXEC, &abstract);
  tst_sys(listen(fd, 3));
  tst_sys(listen(other, 3));
  tst_ready();
  TST_SPOIL {
    close(other);
    other = named_bound(SOCK_SEQPACKET, &(named_name){.address.sun_family = AF_UNIX, .length = 2});
  }
  named_serves(fd, SOCK_SEQPACKET, &name);
  named_serves(other, SOCK_SEQPACKET, &abstract);
  tst_check(fcntl(other, F_GETFD) == FD_CLOEXEC, "close-on-exec is lost");
  return tst_pass();
}
