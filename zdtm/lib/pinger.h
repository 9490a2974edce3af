/* Sockets that ping without being root: each has a number, and hears the answers to its own questions only. */
#ifndef PINGER_H
#define PINGER_H
#include "inet.h"

#include <linux/icmp.h>
#include <netinet/icmp6.h>

static inline void pinger_allow(void) {
  int fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY);
  if (fd < 0 || write(fd, "0 4294967294", 12) != 12) tst_skip("ping sockets cannot be allowed: %s", strerror(errno));
  close(fd);
}

/* Sends a question and takes the answer. */
static inline void pinger_asks(int fd, int family, const inet_name *to, int turn) {
  struct icmphdr question = {.type = family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST}, answer = {0};
  question.un.echo.sequence = htons((uint16_t)turn);
  ssize_t sent = to ? sendto(fd, &question, sizeof(question), 0, &to->any, inet_length(family))
                    : send(fd, &question, sizeof(question), 0);
  if (sent != sizeof(question)) tst_die("question %d cannot be sent", turn);
  tst_until(recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) == sizeof(answer), "no answer to question %d", turn);
  tst_check(answer.type == (family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY), "the answer has type %d", answer.type);
  tst_check(answer.un.echo.sequence == question.un.echo.sequence, "the answer is to another question");
}

static inline int pinger_number(int fd) {
  inet_name is = {0};
  socklen_t length = sizeof(is);
  tst_sys(getsockname(fd, &is.any, &length));
  return ntohs(is.four.sin_port); /* at the same place in both */
}

static inline int pinger(int family, int protocol) {
  tst_begin();
  pinger_allow();
  inet_name to = inet_loopback(family), name = to;
  name.four.sin_port = htons(4711);
  int numbered = tst_sys(socket(family, SOCK_DGRAM, protocol)), used = tst_sys(socket(family, SOCK_DGRAM, protocol)),
      connected = tst_sys(socket(family, SOCK_DGRAM, protocol)), fresh = tst_sys(socket(family, SOCK_DGRAM, protocol));
  tst_sys(bind(numbered, &name.any, inet_length(family)));
  pinger_asks(used, family, &to, 1);
  tst_sys(connect(connected, &to.any, inet_length(family)));
  int was[] = {pinger_number(used), pinger_number(connected)};
  tst_ready();
  TST_SPOIL tst_sys(connect(connected, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
  tst_check(pinger_number(numbered) == 4711, "its number is %d", pinger_number(numbered));
  tst_check(pinger_number(used) == was[0], "the number is %d, was %d", pinger_number(used), was[0]);
  tst_check(pinger_number(connected) == was[1], "the number is %d, was %d", pinger_number(connected), was[1]);
  tst_check(pinger_number(fresh) == 0, "the fresh one has a number");
  pinger_asks(numbered, family, &to, 2);
  pinger_asks(used, family, &to, 3);
  pinger_asks(connected, family, NULL, 4);
  pinger_asks(fresh, family, &to, 5);
  return tst_pass();
}

#endif
