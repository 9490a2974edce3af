/* Sockets on the loopback of both IP versions. */
#ifndef INET_H
#define INET_H
#include "tst.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

typedef union {
  struct sockaddr any;
  struct sockaddr_in four;
  struct sockaddr_in6 six;
} inet_name;

static inline socklen_t inet_length(int family) {
  return family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static inline inet_name inet_loopback(int family) {
  inet_name name = {0};
  name.any.sa_family = (sa_family_t)family;
  if (family == AF_INET) name.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  else name.six.sin6_addr = in6addr_loopback;
  return name;
}

/* A socket bound to a free port of the loopback; *name is then its address. Skips a machine without IPv6. */
static inline int inet_bound(int family, int type, inet_name *name) {
  socklen_t length = inet_length(family);
  *name = inet_loopback(family);
  int fd = socket(family, type, 0);
  if (fd < 0 && family == AF_INET6 && errno == EAFNOSUPPORT) tst_skip("there is no IPv6");
  if (fd < 0) tst_die("socket");
  if (bind(fd, &name->any, length)) {
    if (family == AF_INET6 && errno == EADDRNOTAVAIL) tst_skip("there is no IPv6 loopback");
    tst_die("bind");
  }
  tst_sys(getsockname(fd, &name->any, &length));
  return fd;
}

static inline int inet_option(int fd, int level, int option) {
  int value = -1;
  socklen_t length = sizeof(value);
  tst_sys(getsockopt(fd, level, option, &value, &length));
  return value;
}

static inline void inet_set(int fd, int level, int option, int value) {
  tst_sys(setsockopt(fd, level, option, &value, sizeof(value)));
}

/* The listener is still at its address, lets a client in, and the two can talk. */
static inline void inet_serves(int listener, const inet_name *to) {
  char text[8] = {0};
  int client = tst_sys(socket(to->any.sa_family, SOCK_STREAM, 0));
  if (connect(client, &to->any, inet_length(to->any.sa_family))) tst_die("the listener lets nobody in");
  int server = tst_sys(accept(listener, NULL, NULL));
  tst_sys(send(client, "knock", 5, 0));
  tst_check(recv(server, text, 8, 0) == 5 && !memcmp(text, "knock", 5), "the client is not heard");
  close(server);
  close(client);
}

#endif
