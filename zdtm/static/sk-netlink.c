// zdtm: {"category": "sockets-other", "verifies": "netlink sockets keep type, port, groups, peer and options, and hear their groups and answers", "needs": ["net"]}
#include "sockopts.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>

#define NL(name) SOCKOPT(SOL_NETLINK, NETLINK_##name, 1)
static const sockopt options[] = {NL(PKTINFO), NL(BROADCAST_ERROR), NL(NO_ENOBUFS), NL(CAP_ACK), NL(EXT_ACK), NL(GET_STRICT_CHK)};

static int netlink(int type, int protocol, unsigned port, unsigned groups) {
  struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups};
  int fd = tst_sys(socket(AF_NETLINK, type | SOCK_NONBLOCK, protocol));
  tst_sys(bind(fd, (struct sockaddr *)&name, sizeof(name)));
  return fd;
}

static struct sockaddr_nl name_of(int fd, bool peer) {
  struct sockaddr_nl is = {0};
  socklen_t length = sizeof(is);
  tst_sys((peer ? getpeername : getsockname)(fd, (struct sockaddr *)&is, &length));
  return is;
}

/* The type of the next message. */
static int next(int fd) {
  char answer[8192];
  tst_until(recv(fd, answer, sizeof(answer), 0) > 0, "no message comes");
  return ((struct nlmsghdr *)answer)->nlmsg_type;
}

static void empty(int fd) {
  char answer[8192];
  while (recv(fd, answer, sizeof(answer), 0) > 0) continue;
}

/* Takes the loopback down or up: those in the group of links are told. */
static void loopback(short flags) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = flags};
  int fd = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  tst_sys(ioctl(fd, SIOCSIFFLAGS, &lo));
  close(fd);
}

int main(void) {
  tst_begin();
  struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = 4242};
  unsigned groups[4] = {0};
  socklen_t length = sizeof(groups);
  int links = netlink(SOCK_RAW, NETLINK_ROUTE, 4241, 1 << (RTNLGRP_LINK - 1)), user = netlink(SOCK_DGRAM, NETLINK_USERSOCK, 4242, 0),
      peer = netlink(SOCK_RAW, NETLINK_USERSOCK, 0, 0), fresh = tst_sys(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE)),
      asks = netlink(SOCK_DGRAM, NETLINK_ROUTE, 0, 0);
  inet_set(links, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, RTNLGRP_BRVLAN); /* beyond the first 32 groups */
  inet_set(asks, SOL_NETLINK, NETLINK_PKTINFO, 1);
  sockopts_set(asks, options, COUNT(options));
  tst_sys(connect(peer, (struct sockaddr *)&to, sizeof(to)));
  unsigned port = name_of(asks, false).nl_pid;
  tst_ready();
  TST_SPOIL inet_set(links, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, RTNLGRP_BRVLAN);
  tst_check(name_of(links, false).nl_pid == 4241 && name_of(user, false).nl_pid == 4242, "the ports are others");
  tst_check(name_of(asks, false).nl_pid == port, "the port is %u, was %u", name_of(asks, false).nl_pid, port);
  tst_check(name_of(peer, true).nl_pid == 4242, "the peer is another");
  tst_check(name_of(fresh, false).nl_pid == 0, "the fresh one has a port");
  tst_check(inet_option(user, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM && inet_option(links, SOL_SOCKET, SO_TYPE) == SOCK_RAW,
            "the types are others");
  tst_sys(getsockopt(links, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &length));
  tst_check(groups[0] == 1 << (RTNLGRP_LINK - 1) && groups[1] == 1, "it is in the groups %x %x", groups[0], groups[1]);
  sockopts_check(asks, "the one that asks", options, COUNT(options));
  tst_sys(send(peer, &(struct nlmsghdr){sizeof(struct nlmsghdr), 99, 0, 0, 0}, sizeof(struct nlmsghdr), 0));
  tst_check(next(user) == 99, "the peer's message is another");
  loopback(0);
  tst_check(next(links) == RTM_NEWLINK, "another event comes");
  loopback(IFF_UP);
  empty(links);
  struct {
    struct nlmsghdr head;
    struct ifinfomsg link;
  } ask = {{sizeof(ask), RTM_GETLINK, NLM_F_REQUEST, 1, 0}, {.ifi_index = 1}};
  tst_sys(send(asks, &ask, sizeof(ask), 0));
  tst_check(next(asks) == RTM_NEWLINK, "another answer comes");
  tst_sys(send(fresh, &ask, sizeof(ask), 0));
  tst_check(name_of(fresh, false).nl_pid != 0, "it gets no port");
  return tst_pass();
}
