// zdtm: {"category": "sockets-inet", "verifies": "an IPv6 listener for both versions lets an IPv4 client in; one for IPv6 alone does not"}
#include "inet.h"

int main(void) {
  tst_begin();
  int fds[2];
  inet_name names[2];
  for (int only = 0; only < 2; only++) {
    socklen_t length = sizeof(names[only]);
    fds[only] = socket(AF_INET6, SOCK_STREAM, 0);
    if (fds[only] < 0) tst_skip("there is no IPv6");
    names[only] = inet_loopback(AF_INET6);
    names[only].six.sin6_addr = in6addr_any;
    inet_set(fds[only], IPPROTO_IPV6, IPV6_V6ONLY, only);
    tst_sys(bind(fds[only], &names[only].any, sizeof(names[only].six)));
    tst_sys(getsockname(fds[only], &names[only].any, &length));
    tst_sys(listen(fds[only], 5));
  }
  tst_ready();
  TST_SPOIL names[0].six.sin6_port = names[1].six.sin6_port;
  for (int only = 0; only < 2; only++) {
    tst_check(inet_option(fds[only], IPPROTO_IPV6, IPV6_V6ONLY) == only, "the option of listener %d is wrong", only);
    inet_name client = inet_loopback(AF_INET);
    client.four.sin_port = names[only].six.sin6_port;
    if (!only) inet_serves(fds[0], &client);
    int fd = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
    if (only) tst_check(connect(fd, &client.any, sizeof(client.four)) == -1 && errno == ECONNREFUSED, "it lets IPv4 in");
  }
  return tst_pass();
}
