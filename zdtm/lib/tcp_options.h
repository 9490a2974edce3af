/* Every option of TCP on sockets of each kind, and what both ends of a connection agreed on. */
#ifndef TCP_OPTIONS_H
#define TCP_OPTIONS_H
#include "sockopts.h"
#include "tcp.h"

#define TCP_(name, value) SOCKOPT(IPPROTO_TCP, TCP_##name, value)

static const sockopt tcp_every[] = {TCP_(NODELAY, 1),      TCP_(CORK, 1),           TCP_(KEEPIDLE, 77),
                                    TCP_(KEEPINTVL, 5),    TCP_(KEEPCNT, 4),        TCP_(SYNCNT, 3),
                                    TCP_(LINGER2, 17),     TCP_(USER_TIMEOUT, 4321), TCP_(THIN_LINEAR_TIMEOUTS, 1),
                                    TCP_(NOTSENT_LOWAT, 8192), TCP_(INQ, 1)};
static const sockopt tcp_listening[] = {TCP_(FASTOPEN, 7), TCP_(SAVE_SYN, 1), TCP_(MAXSEG, 777)};

static inline void tcp_control(int fd, const char *name) {
  tst_sys(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, strlen(name)));
}

static inline void tcp_is_controlled(int fd, const char *by) {
  char name[32] = {0};
  socklen_t length = sizeof(name);
  tst_sys(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length));
  tst_check(!strcmp(name, by), "congestion is controlled by %s, not %s", name, by);
}

/* Fresh, bound, listening, connected over all versions of IP. */
enum { TCP_SOCKETS = 6 };

static inline void tcp_sockets(int fds[TCP_SOCKETS]) {
  inet_name name;
  tcp_pair four = tcp_connect(TCP_FOUR), six = tcp_connect(TCP_SIX);
  fds[0] = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  fds[1] = tcp_bound(TCP_SIX, &name);
  fds[2] = tcp_bound(TCP_FOUR, &name);
  tst_sys(listen(fds[2], 5));
  fds[3] = four.client, fds[4] = four.server, fds[5] = six.client;
}

#endif
