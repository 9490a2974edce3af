// zdtm: {"category": "sockets-inet", "verifies": "errors that wait in UDP sockets stay: the one that the next call is told, and those in the error queue with who sent them and about what", "needs": ["net", "file:/sys/kernel/btf/vmlinux"]}
#include "inet.h"

#include <linux/errqueue.h>
#include <poll.h>

/* An address where nobody is. */
static inet_name nobody(int family) {
  inet_name name;
  close(inet_bound(family, SOCK_DGRAM, &name));
  return name;
}

static void await(int fd) {
  struct pollfd one = {fd, 0, 0};
  tst_until(poll(&one, 1, 0) == 1 && (one.revents & POLLERR), "no error comes");
}

static int refused(int family, const inet_name *to) {
  int fd = tst_sys(socket(family, SOCK_DGRAM, 0));
  tst_sys(connect(fd, &to->any, inet_length(family)));
  tst_sys(send(fd, "one", 3, 0));
  await(fd);
  return fd;
}

static int asking(int family) {
  inet_name name;
  int fd = inet_bound(family, SOCK_DGRAM, &name);
  inet_set(fd, family == AF_INET ? SOL_IP : SOL_IPV6, family == AF_INET ? IP_RECVERR : IPV6_RECVERR, 1);
  return fd;
}

/* An error queue's next entry: its errno; the payload's length, sender's and receiver's ports and the offender are checked. */
static int take(int fd, const char *text, const inet_name *about) {
  char bytes[64], room[512];
  inet_name name = {0};
  struct iovec part = {bytes, sizeof(bytes)};
  struct msghdr head = {.msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
  ssize_t got = recvmsg(fd, &head, MSG_ERRQUEUE | MSG_DONTWAIT);
  tst_check(got == (ssize_t)strlen(text) && !memcmp(bytes, text, strlen(text)), "what the error is about is lost: %zd", got);
  tst_check(name.four.sin_port == about->four.sin_port && name.any.sa_family == about->any.sa_family, "the error is about port %d", ntohs(name.four.sin_port));
  for (struct cmsghdr *one = CMSG_FIRSTHDR(&head); one; one = CMSG_NXTHDR(&head, one)) {
    struct sock_extended_err *error = (void *)CMSG_DATA(one);
    inet_name *by = (void *)SO_EE_OFFENDER(error);
    if (one->cmsg_level == SOL_IP && one->cmsg_type == IP_RECVERR) {
      tst_check(error->ee_origin == SO_EE_ORIGIN_ICMP && error->ee_type == 3, "it is of origin %d, type %d", error->ee_origin, error->ee_type);
      tst_check(by->four.sin_addr.s_addr == htonl(INADDR_LOOPBACK) || by->four.sin_addr.s_addr == htonl(0xc0000207), "it is from %x", by->four.sin_addr.s_addr);
      return (int)error->ee_errno;
    }
    if (one->cmsg_level == SOL_IPV6 && one->cmsg_type == IPV6_RECVERR) {
      tst_check(error->ee_origin == SO_EE_ORIGIN_ICMP6 && error->ee_type == 1, "it is of origin %d, type %d", error->ee_origin, error->ee_type);
      tst_check(IN6_IS_ADDR_LOOPBACK(&by->six.sin6_addr), "it is from elsewhere");
      return (int)error->ee_errno;
    }
  }
  tst_fail("there is no error");
}

static uint16_t sum(const uint8_t *bytes, size_t length) {
  uint32_t all = 0;
  for (size_t i = 0; i < length; i += 2) all += (uint32_t)bytes[i] << 8 | bytes[i + 1];
  while (all >> 16) all = (all & 0xffff) + (all >> 16);
  return (uint16_t)~all;
}

/* What a gateway at 192.0.2.7 says of a datagram: that it may not pass. */
static void prohibit(int fd, const inet_name *about) {
  inet_name own;
  socklen_t length = sizeof(own);
  tst_sys(getsockname(fd, &own.any, &length));
  uint8_t p[20 + 8 + 20 + 8 + 4] = {0x45, 0, 0, sizeof(p), 0, 0, 0, 0, 64, IPPROTO_ICMP, 0, 0, 192, 0, 2, 7, 127, 0, 0, 1,
                                    3, 13, 0, 0, 0, 0, 0, 0,
                                    0x45, 0, 0, 32, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1,
                                    0, 0, 0, 0, 0, 12, 0, 0, 'g', 'a', 't', 'e'};
  memcpy(p + 48, &own.four.sin_port, 2), memcpy(p + 50, &about->four.sin_port, 2);
  uint16_t check = htons(sum(p + 20, sizeof(p) - 20));
  memcpy(p + 22, &check, 2);
  int raw = tst_sys(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
  inet_name to = inet_loopback(AF_INET);
  tst_sys(sendto(raw, p, sizeof(p), 0, &to.any, sizeof(to.four)));
  close(raw);
}

static int pending(int fd) { return inet_option(fd, SOL_SOCKET, SO_ERROR); }

int main(void) {
  tst_begin();
  inet_name deaf = nobody(AF_INET), deaf6 = nobody(AF_INET6), mapped = {0}, own, peer;
  char text[8];
  mapped.six.sin6_family = AF_INET6, mapped.six.sin6_port = deaf.four.sin_port;
  mapped.six.sin6_addr = (struct in6_addr){{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}}};
  int alone[] = {refused(AF_INET, &deaf), refused(AF_INET6, &deaf6), refused(AF_INET6, &mapped)};
  /* one with a datagram before it, which has to be looked at */
  int said = inet_bound(AF_INET, SOCK_DGRAM, &own), says = inet_bound(AF_INET, SOCK_DGRAM, &peer);
  tst_sys(connect(said, &peer.any, sizeof(peer.four)));
  tst_sys(sendto(says, "before", 6, 0, &own.any, sizeof(own.four)));
  close(says);
  tst_sys(send(said, "one", 3, 0));
  await(said);
  /* queues: two and the error, one of which the error is read, two of which the first was taken, IPv6 */
  int queue = asking(AF_INET), known = asking(AF_INET), second = asking(AF_INET), six = asking(AF_INET6);
  inet_name other = nobody(AF_INET);
  tst_sys(sendto(queue, "first", 5, 0, &deaf.any, sizeof(deaf.four)));
  await(queue);
  tst_check(pending(queue) == ECONNREFUSED, "no error");
  tst_sys(sendto(queue, "other", 5, 0, &other.any, sizeof(other.four)));
  tst_until(pending(queue) == ECONNREFUSED, "no second error");
  prohibit(queue, &deaf);
  tst_sys(sendto(known, "known", 5, 0, &deaf.any, sizeof(deaf.four)));
  await(known);
  tst_until(pending(known) == ECONNREFUSED, "no error");
  tst_sys(sendto(second, "gone", 4, 0, &deaf.any, sizeof(deaf.four)));
  await(second);
  tst_sys(pending(second));
  tst_sys(sendto(second, "left", 4, 0, &deaf.any, sizeof(deaf.four)));
  tst_until(pending(second) == ECONNREFUSED, "no error");
  prohibit(second, &deaf);
  tst_until(pending(second) == EHOSTUNREACH, "no error");
  take(second, "gone", &deaf);
  tst_sys(sendto(six, "sechs", 5, 0, &deaf6.any, sizeof(deaf6.six)));
  await(six);
  tst_ready();
  TST_SPOIL pending(alone[2]), take(six, "sechs", &deaf6);
  for (int i = 0; i < 3; i++) {
    tst_check(recv(alone[i], text, 1, MSG_DONTWAIT) == -1 && errno == ECONNREFUSED, "socket %d is told %s", i, strerror(errno));
    tst_check(pending(alone[i]) == 0, "socket %d is told twice", i);
    tst_check(send(alone[i], "two", 3, 0) == 3, "socket %d sends nothing", i);
    tst_until(pending(alone[i]) == ECONNREFUSED, "socket %d hears nothing", i);
  }
  tst_check(pending(said) == ECONNREFUSED, "the error before a datagram is lost");
  tst_check(recv(said, text, 8, MSG_DONTWAIT) == 6, "the datagram behind an error is lost");
  tst_check(pending(queue) == EHOSTUNREACH, "the error of the queue is another");
  int is[] = {take(queue, "first", &deaf), take(queue, "other", &other), take(queue, "gate", &deaf)};
  tst_check(is[0] == ECONNREFUSED && is[1] == ECONNREFUSED && is[2] == EHOSTUNREACH, "the queue tells %d, %d, %d", is[0], is[1], is[2]);
  tst_check(pending(known) == 0, "an error is told twice");
  tst_check(take(known, "known", &deaf) == ECONNREFUSED, "the queue tells another");
  tst_check(pending(second) == ECONNREFUSED, "the error of the first in the queue is another");
  is[0] = take(second, "left", &deaf), is[1] = take(second, "gate", &deaf);
  tst_check(is[0] == ECONNREFUSED && is[1] == EHOSTUNREACH, "the second queue tells %d, %d", is[0], is[1]);
  tst_check(take(six, "sechs", &deaf6) == ECONNREFUSED, "the queue of IPv6 tells another");
  for (int i = 0; i < 4; i++) {
    int fd = (int[]){queue, known, second, six}[i];
    tst_check(recvmsg(fd, &(struct msghdr){0}, MSG_ERRQUEUE | MSG_DONTWAIT) == -1 && errno == EAGAIN, "queue %d holds more", i);
  }
  return tst_pass();
}
