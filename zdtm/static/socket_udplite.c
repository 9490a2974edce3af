// zdtm: {"category": "sockets-inet", "verifies": "UDP-Lite sockets keep addresses, peers and how much their checksums cover, and pass data"}
#include "sockopts.h"

enum { SOL_UDPLITE_ = 136, UDPLITE_SEND_CSCOV_ = 10, UDPLITE_RECV_CSCOV_ = 11 };
static const sockopt sends[] = {SOCKOPT(SOL_UDPLITE_, UDPLITE_SEND_CSCOV_, 12)};
static const sockopt receives[] = {SOCKOPT(SOL_UDPLITE_, UDPLITE_RECV_CSCOV_, 10)};

static int lite(int family, inet_name *name) {
  socklen_t length = inet_length(family);
  *name = inet_loopback(family);
  int fd = socket(family, SOCK_DGRAM, IPPROTO_UDPLITE);
  if (fd < 0) tst_skip("no UDP-Lite: %s", strerror(errno));
  tst_sys(bind(fd, &name->any, length));
  tst_sys(getsockname(fd, &name->any, &length));
  return fd;
}

int main(void) {
  tst_begin();
  static const int families[] = {AF_INET, AF_INET6};
  inet_name names[2][2];
  int fds[2][2];
  char text[32] = "";
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 2; j++) fds[i][j] = lite(families[i], &names[i][j]);
    tst_sys(connect(fds[i][0], &names[i][1].any, inet_length(families[i])));
    sockopts_set(fds[i][0], sends, COUNT(sends));
    sockopts_set(fds[i][1], receives, COUNT(receives));
  }
  tst_ready();
  TST_SPOIL inet_set(fds[1][0], SOL_UDPLITE_, UDPLITE_SEND_CSCOV_, 8);
  for (int i = 0; i < 2; i++) {
    inet_name from = {0};
    socklen_t length = sizeof(from);
    sockopts_check(fds[i][0], "the sender", sends, COUNT(sends));
    sockopts_check(fds[i][1], "the receiver", receives, COUNT(receives));
    tst_sys(send(fds[i][0], "light as a feather", 18, 0));
    tst_check(recvfrom(fds[i][1], text, 32, MSG_DONTWAIT, &from.any, &length) == 18, "family %d: it is lost", families[i]);
    tst_check(from.four.sin_port == names[i][0].four.sin_port, "family %d: somebody else sent it", families[i]);
  }
  return tst_pass();
}
