// zdtm: {"category": "tcp", "verifies": "a TCP listener keeps the options that its connections inherit, and its backlog"}
#include "inet.h"

static const int options[][3] = {{SOL_SOCKET, SO_KEEPALIVE, 1},  {SOL_SOCKET, SO_REUSEADDR, 1}, {SOL_SOCKET, SO_RCVLOWAT, 3},
                                 {IPPROTO_TCP, TCP_NODELAY, 1},  {IPPROTO_TCP, TCP_KEEPIDLE, 77}, {IPPROTO_TCP, TCP_KEEPINTVL, 5},
                                 {IPPROTO_TCP, TCP_KEEPCNT, 4},  {IPPROTO_TCP, TCP_DEFER_ACCEPT, 0}, {SOL_SOCKET, SO_PRIORITY, 3}};
enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

int main(void) {
  tst_begin();
  inet_name name;
  int fd = inet_bound(AF_INET, SOCK_STREAM, &name);
  for (int i = 0; i < OPTIONS; i++) inet_set(fd, options[i][0], options[i][1], options[i][2]);
  tst_sys(listen(fd, 1));
  tst_ready();
  TST_SPOIL inet_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 78);
  for (int i = 0; i < OPTIONS; i++)
    tst_check(inet_option(fd, options[i][0], options[i][1]) == options[i][2], "option %d of level %d is %d", options[i][1],
              options[i][0], inet_option(fd, options[i][0], options[i][1]));
  inet_serves(fd, &name);
  return tst_pass();
}
