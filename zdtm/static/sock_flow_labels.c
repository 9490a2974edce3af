// zdtm: {"category": "sockets-other", "verifies": "flow labels that IPv6 sockets have taken are theirs again, also those that connections were made with, and those that others may share", "needs": ["net", "file:/proc/net/ip6_flowlabel"]}
#include "inet.h"

#include <linux/in6.h>

static int manage(int fd, int action, uint32_t label, int share) {
  struct in6_flowlabel_req request = {
      .flr_dst = in6addr_loopback, .flr_label = htonl(label), .flr_action = action, .flr_share = share};
  if (action == IPV6_FL_A_GET) {
    request.flr_flags = IPV6_FL_F_CREATE;
    request.flr_linger = 6;
    request.flr_expires = 6;
  }
  return setsockopt(fd, SOL_IPV6, IPV6_FLOWLABEL_MGR, &request, sizeof(request));
}

/* Only a socket's own labels can be renewed in this way. */
static bool has(int fd, uint32_t label) { return !manage(fd, IPV6_FL_A_RENEW, label, IPV6_FL_S_ANY); }

static uint32_t connected_with(int fd) {
  inet_name name;
  socklen_t length = sizeof(name);
  tst_sys(getpeername(fd, &name.any, &length));
  return ntohl(name.six.sin6_flowinfo);
}

static bool reflects(int fd) {
  struct in6_flowlabel_req answer = {0};
  socklen_t length = sizeof(answer);
  return !getsockopt(fd, SOL_IPV6, IPV6_FLOWLABEL_MGR, &answer, &length);
}

int main(void) {
  tst_begin();
  inet_name to, serves;
  int hears = inet_bound(AF_INET6, SOCK_DGRAM, &to), one = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0)),
      other = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0)), talks = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0)),
      listens = inet_bound(AF_INET6, SOCK_STREAM, &serves), idle = tst_sys(socket(AF_INET6, SOCK_STREAM, 0));
  tst_sys(manage(one, IPV6_FL_A_GET, 0x12345, IPV6_FL_S_ANY));
  tst_sys(manage(other, IPV6_FL_A_GET, 0x12345, IPV6_FL_S_ANY));
  tst_sys(manage(one, IPV6_FL_A_GET, 0x12346, IPV6_FL_S_EXCL));
  tst_sys(manage(one, IPV6_FL_A_GET, 0x12347, IPV6_FL_S_USER));
  tst_sys(manage(talks, IPV6_FL_A_GET, 0x54321, IPV6_FL_S_ANY));
  inet_set(talks, SOL_IPV6, IPV6_FLOWINFO_SEND, 1);
  to.six.sin6_flowinfo = htonl(0x2054321);
  tst_sys(connect(talks, &to.any, sizeof(to.six)));
  struct in6_flowlabel_req reflect = {.flr_action = IPV6_FL_A_GET, .flr_flags = IPV6_FL_F_REFLECT};
  /* not where labels have to be consistent, which is usual */
  int consistent = open("/proc/sys/net/ipv6/flowlabel_consistency", O_WRONLY);
  bool may = consistent >= 0 && write(consistent, "0", 1) == 1;
  close(consistent);
  if (may) tst_sys(setsockopt(listens, SOL_IPV6, IPV6_FLOWLABEL_MGR, &reflect, sizeof(reflect)));
  tst_ready();
  TST_SPOIL tst_sys(manage(other, IPV6_FL_A_PUT, 0x12345, 0));
  for (uint32_t label = 0x12345; label <= 0x12347; label++) tst_check(has(one, label), "the label %x is gone", label);
  tst_check(has(other, 0x12345) && !has(other, 0x12346), "the second socket has other labels");
  tst_check(manage(other, IPV6_FL_A_GET, 0x12346, IPV6_FL_S_EXCL) && errno == EPERM, "the label is shared");
  tst_sys(manage(other, IPV6_FL_A_GET, 0x12347, IPV6_FL_S_USER));
  tst_check(connected_with(talks) == 0x2054321, "connected with %x", connected_with(talks));
  inet_set(hears, SOL_IPV6, IPV6_FLOWINFO, 1);
  tst_sys(send(talks, "x", 1, 0));
  tst_check(reflects(listens) == may && !reflects(idle), "labels are reflected otherwise");
  return tst_pass();
}
