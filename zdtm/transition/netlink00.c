// zdtm: {"category": "sockets-other", "verifies": "who adds, lists and removes routes over one netlink socket gets every answer", "needs": ["net"]}
#include "tst.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

static int fd;
static uint32_t sequence;

/* Sends a request about the route to 10.9.N.0/24; gives its number. */
static uint32_t ask(int type, int flags, int n) {
  struct {
    struct nlmsghdr head;
    struct rtmsg route;
    struct rtattr attribute;
    uint32_t to;
  } request = {.head = {.nlmsg_type = (uint16_t)type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags), .nlmsg_seq = ++sequence},
               .route = {.rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC,
                         .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNREACHABLE},
               .attribute = {.rta_len = RTA_LENGTH(4), .rta_type = RTA_DST},
               .to = htonl(0x0a090000u | (uint32_t)n << 8)};
  request.head.nlmsg_len = sizeof(request);
  tst_check(send(fd, &request, sizeof(request), 0) == sizeof(request), "cannot ask");
  return sequence;
}

/* Reads the answers up to the last one; gives how many routes to 10.9.0.0/16 were among them. */
static int answers(uint32_t number) {
  static char bytes[65536];
  for (int found = 0;;) {
    int have = (int)tst_sys(recv(fd, bytes, sizeof(bytes), 0));
    for (struct nlmsghdr *at = (void *)bytes; NLMSG_OK(at, (unsigned)have); at = NLMSG_NEXT(at, have)) {
      tst_check(at->nlmsg_seq == number, "answer %u comes to question %u", at->nlmsg_seq, number);
      if (at->nlmsg_type == NLMSG_DONE) return found;
      if (at->nlmsg_type == NLMSG_ERROR) {
        int error = ((struct nlmsgerr *)NLMSG_DATA(at))->error;
        tst_check(error == 0, "question %u: %s", number, strerror(-error));
        return found;
      }
      struct rtmsg *route = NLMSG_DATA(at);
      int left = (int)RTM_PAYLOAD(at);
      for (struct rtattr *one = RTM_RTA(route); RTA_OK(one, left); one = RTA_NEXT(one, left))
        if (one->rta_type == RTA_DST && (ntohl(*(uint32_t *)RTA_DATA(one)) >> 16) == 0x0a09) found++;
    }
  }
}

int main(void) {
  tst_begin();
  fd = tst_sys(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  struct sockaddr_nl name = {.nl_family = AF_NETLINK};
  tst_sys(bind(fd, (struct sockaddr *)&name, sizeof(name)));
  tst_mark_ready();
  for (int n = 0; tst_going(); n = (n + 1) % 200) {
    answers(ask(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, n));
    int found = answers(ask(RTM_GETROUTE, NLM_F_DUMP, n));
    tst_check(found == 1, "there are %d routes", found);
    answers(ask(RTM_DELROUTE, NLM_F_ACK, n));
    tst_nap();
  }
  TST_SPOIL tst_sys(close(fd));
  tst_check(answers(ask(RTM_GETROUTE, NLM_F_DUMP, 0)) == 0, "a route is left");
  return tst_pass();
}
