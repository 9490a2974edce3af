// zdtm: {"category": "sockets-other", "verifies": "messages that other programs have sent to a netlink socket wait in it, from whom they came; one that listens to the kernel hears what happens, or that it has missed something", "needs": ["net", "file:/sys/kernel/btf/vmlinux"]}
#include "inet.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>

static struct sockaddr_nl name_of(int fd) {
  struct sockaddr_nl name;
  socklen_t length = sizeof(name);
  tst_sys(getsockname(fd, (struct sockaddr *)&name, &length));
  return name;
}

static int made(int protocol, unsigned groups) {
  struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_groups = groups};
  int fd = tst_sys(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol));
  tst_sys(bind(fd, (struct sockaddr *)&name, sizeof(name)));
  return fd;
}

static void tell(int from, int to, const char *text) {
  struct sockaddr_nl name = name_of(to);
  tst_sys(sendto(from, text, strlen(text), 0, (struct sockaddr *)&name, sizeof(name)));
}

static void hears(int fd, unsigned from, const char *wanted) {
  char text[64] = "";
  struct sockaddr_nl name = {0};
  socklen_t length = sizeof(name);
  ssize_t got = recvfrom(fd, text, sizeof(text), 0, (struct sockaddr *)&name, &length);
  tst_check(got == (ssize_t)strlen(wanted) && !strcmp(text, wanted), "%s instead of %s", text, wanted);
  tst_check(name.nl_pid == from && name.nl_groups == 0, "%s is from %u", wanted, name.nl_pid);
}

/* Something happens to the loopback. */
static void happen(int fd, int mtu) {
  struct ifreq loopback = {.ifr_name = "lo", .ifr_mtu = mtu};
  tst_sys(ioctl(fd, SIOCSIFMTU, &loopback));
}

/* Reads to the end: is there news of the loopback, or is something missing? */
static void listen_to(int fd, bool *news, bool *missed) {
  static char text[16384];
  *news = *missed = false;
  for (;;) {
    ssize_t got = recv(fd, text, sizeof(text), 0);
    struct nlmsghdr *head = (void *)text;
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) tst_check(errno == ENOBUFS, "errno is %d", errno);
    if (got < 0) *missed = true;
    else if (head->nlmsg_type == RTM_NEWLINK) *news = true;
    else tst_check(head->nlmsg_type == NLMSG_NOOP, "a message of type %d", head->nlmsg_type);
  }
}

int main(void) {
  tst_begin();
  int to = made(NETLINK_USERSOCK, 0), from = made(NETLINK_USERSOCK, 0), gone = made(NETLINK_USERSOCK, 0);
  int listens = made(NETLINK_ROUTE, RTMGRP_LINK), quiet = made(NETLINK_ROUTE, RTMGRP_LINK), other = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  unsigned from_port = name_of(from).nl_pid, gone_port = name_of(gone).nl_pid;
  bool news, missed;
  tell(from, to, "first");
  tell(gone, to, "second");
  tell(from, to, "third");
  close(gone);
  happen(other, 1400);
  listen_to(quiet, &news, &missed);
  tst_ready();
  TST_SPOIL listen_to(listens, &news, &missed);
  listen_to(listens, &news, &missed);
  tst_check(news != missed, "the listener hears nothing, and misses nothing");
  listen_to(quiet, &news, &missed);
  tst_check(!news && !missed, "the other listener hears something");
  happen(other, 1300);
  listen_to(listens, &news, &missed);
  tst_check(news && !missed, "no news later on");
  listen_to(quiet, &news, &missed);
  tst_check(news && !missed, "no news for the other listener");
  hears(to, from_port, "first");
  hears(to, gone_port, "second");
  hears(to, from_port, "third");
  tell(from, to, "fourth");
  hears(to, from_port, "fourth");
  return tst_pass();
}
