/* TCP connections whose other end is outside of the tree, and the states that they can be in. */
#ifndef TCP_H
#define TCP_H
#include "inet.h"

static inline int tcp_state(int fd) {
  struct tcp_info info = {0};
  socklen_t length = sizeof(info);
  tst_sys(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
  return info.tcpi_state;
}

static inline void tcp_becomes(int fd, int state) {
  tst_until(tcp_state(fd) == state, "state %d, not %d", tcp_state(fd), state);
}

/* Both ends of a connection on the loopback. family AF_INET6 with mapped: an IPv4 client of an IPv6 socket. */
typedef struct {
  int client, server, listener;
} tcp_pair;

static inline tcp_pair tcp_connect(int family, bool mapped) {
  inet_name name, to;
  tcp_pair pair;
  if (mapped) {
    int one = 0;
    socklen_t length = sizeof(name.six);
    pair.listener = tst_sys(socket(AF_INET6, SOCK_STREAM, 0));
    tst_sys(setsockopt(pair.listener, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
    name = (inet_name){.six = {.sin6_family = AF_INET6}};
    tst_sys(bind(pair.listener, &name.any, length));
    tst_sys(getsockname(pair.listener, &name.any, &length));
    to = inet_loopback(AF_INET);
    to.four.sin_port = name.six.sin6_port;
  } else {
    pair.listener = inet_bound(family, SOCK_STREAM, &name);
    to = name;
  }
  tst_sys(listen(pair.listener, 8));
  pair.client = tst_sys(socket(to.any.sa_family, SOCK_STREAM, 0));
  tst_sys(connect(pair.client, &to.any, inet_length(to.any.sa_family)));
  pair.server = tst_sys(accept(pair.listener, NULL, NULL));
  return pair;
}

static inline void tcp_send(int fd, const char *text) {
  size_t length = strlen(text);
  if (send(fd, text, length, MSG_NOSIGNAL) != (ssize_t)length) tst_die("send");
}

/* Exactly this text comes next. */
static inline void tcp_expect(int fd, const char *text) {
  char got[256] = {0};
  size_t length = strlen(text);
  ssize_t size = recv(fd, got, length, MSG_WAITALL);
  if (size < 0) tst_die("recv");
  tst_check((size_t)size == length && !memcmp(got, text, length), "received \"%s\", not \"%s\"", got, text);
}

static inline void tcp_expect_end(int fd) {
  char byte;
  ssize_t size = recv(fd, &byte, 1, 0);
  if (size < 0) tst_die("recv");
  tst_check(size == 0, "there is more to read");
}

/*
 * A process outside of the tree, which tscriu is not told of: it listens, takes one connection, and does what `act` does with it.
 * Gives our end. The case's keeper ends it, should it outlive the case.
 */
static inline int tcp_outsider(int family, void (*act)(int fd)) {
  inet_name name;
  int listener = inet_bound(family, SOCK_STREAM, &name), status;
  tst_sys(listen(listener, 1));
  pid_t between = tst_sys(fork());
  if (between == 0) {
    if (fork() != 0) _exit(0);
    setsid();
    signal(SIGPIPE, SIG_IGN);
    int fd = accept(listener, NULL, NULL);
    close(listener);
    act(fd);
    _exit(0);
  }
  tst_sys(waitpid(between, &status, 0));
  int fd = tst_sys(socket(family, SOCK_STREAM, 0));
  tst_sys(connect(fd, &name.any, inet_length(family)));
  close(listener);
  return fd;
}

/* An outsider that sends back whatever it gets, in capitals. */
static inline void tcp_echo(int fd) {
  char text[4096];
  ssize_t size;
  while ((size = recv(fd, text, sizeof(text), 0)) > 0) {
    for (ssize_t i = 0; i < size; i++)
      if (text[i] >= 'a' && text[i] <= 'z') text[i] -= 32;
    for (ssize_t at = 0, put; at < size; at += put)
      if ((put = send(fd, text + at, size - at, 0)) <= 0) return;
  }
}

#endif
