/*
 * TCP connections, to another socket of the case or to a process outside of the tree, and the states that they can be in.
 * A socket is made deaf by a filter: what comes to it is lost, so that the other end goes unacknowledged.
 */
#ifndef TCP_H
#define TCP_H
#include "inet.h"

#include <linux/filter.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

/* TCP_MAPPED: our end is an IPv6 socket whose other end speaks IPv4. */
typedef enum { TCP_FOUR, TCP_SIX, TCP_MAPPED } tcp_kind;

static inline int tcp_state(int fd) {
  struct tcp_info info = {0};
  socklen_t length = sizeof(info);
  tst_sys(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
  return info.tcpi_state;
}

static inline void tcp_becomes(int fd, int state) {
  tst_until(tcp_state(fd) == state, "state %d, not %d", tcp_state(fd), state);
}

static inline void tcp_is(int fd, int state) {
  tst_check(tcp_state(fd) == state, "state %d, not %d", tcp_state(fd), state);
}

static inline void tcp_deafen(int fd) {
  struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  struct sock_fprog program = {.len = 1, .filter = &nothing};
  tst_sys(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

static inline void tcp_hear(int fd) {
  inet_set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
}

/* A bound socket that our end can call, and the address to call it by. */
static inline int tcp_bound(tcp_kind kind, inet_name *to) {
  int fd = inet_bound(kind == TCP_SIX ? AF_INET6 : AF_INET, SOCK_STREAM, to);
  if (kind == TCP_MAPPED) {
    in_port_t port = to->four.sin_port;
    *to = (inet_name){.six = {.sin6_family = AF_INET6, .sin6_port = port}};
    to->six.sin6_addr.s6_addr[10] = to->six.sin6_addr.s6_addr[11] = 0xff;
    memcpy(to->six.sin6_addr.s6_addr + 12, &(struct in_addr){htonl(INADDR_LOOPBACK)}, 4);
  }
  return fd;
}

static inline int tcp_socket(const inet_name *to) {
  int fd = socket(to->any.sa_family, SOCK_STREAM, 0);
  if (fd < 0 && errno == EAFNOSUPPORT) tst_skip("there is no IPv6");
  return tst_sys(fd);
}

static inline int tcp_call(const inet_name *to) {
  int fd = tcp_socket(to);
  if (connect(fd, &to->any, inet_length(to->any.sa_family))) tst_die("connect");
  return fd;
}

/* Both ends of a connection. */
typedef struct {
  int client, server, listener;
} tcp_pair;

static inline tcp_pair tcp_connect(tcp_kind kind) {
  inet_name to;
  tcp_pair pair = {.listener = tcp_bound(kind, &to)};
  tst_sys(listen(pair.listener, 8));
  pair.client = tcp_call(&to);
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

static inline void tcp_expect_error(int fd, int error) {
  char byte;
  ssize_t size = recv(fd, &byte, 1, 0);
  tst_check(size == -1 && errno == error, "recv gives %zd, %s, not %s", size, strerror(errno), strerror(error));
}

/* A stream of bytes that says at each place where it is and, by the seed, whose it is. */
static inline void tcp_pattern(unsigned char *to, size_t at, size_t bytes, unsigned seed) {
  for (size_t i = at; i < at + bytes; i++) *to++ = (unsigned char)(i * 7 + (i >> 8) * 3 + (i >> 16) * 5 + seed);
}

/* Sends the bytes of a stream from `at` on; without `wait` as many as fit. Gives how many. */
static inline size_t tcp_put(int fd, size_t at, size_t bytes, unsigned seed, bool wait) {
  static unsigned char buffer[1 << 16];
  size_t done = 0;
  while (done < bytes) {
    size_t part = bytes - done < sizeof(buffer) ? bytes - done : sizeof(buffer);
    tcp_pattern(buffer, at + done, part, seed);
    ssize_t put = send(fd, buffer, part, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    if (put < 0 && errno == EAGAIN && !wait) break;
    if (put < 0) tst_die("send");
    done += (size_t)put;
  }
  return done;
}

/* As much as goes into the socket while nobody reads at the other end: some of it was never sent. */
static inline size_t tcp_flood(int fd, unsigned seed) {
  int unsent = 0;
  size_t done = tcp_put(fd, 0, SIZE_MAX / 2, seed, false);
  tst_sys(ioctl(fd, SIOCOUTQNSD, &unsent));
  tst_check(unsent > 0, "all was sent");
  return done;
}

/* Exactly these bytes of a stream come next. */
static inline void tcp_get(int fd, size_t at, size_t bytes, unsigned seed) {
  static unsigned char buffer[1 << 16], right[1 << 16];
  for (size_t done = 0; done < bytes;) {
    size_t part = bytes - done < sizeof(buffer) ? bytes - done : sizeof(buffer);
    ssize_t got = recv(fd, buffer, part, 0);
    if (got < 0) tst_die("recv");
    tst_check(got > 0, "the stream ends at byte %zu of %zu", at + done, at + bytes);
    tcp_pattern(right, at + done, (size_t)got, seed);
    tst_check(!memcmp(buffer, right, (size_t)got), "wrong bytes behind byte %zu", at + done);
    done += (size_t)got;
  }
}

/* Waits until this many bytes can be read. */
static inline void tcp_arrives(int fd, int bytes) {
  int there = 0;
  tst_until(ioctl(fd, SIOCINQ, &there) == 0 && there == bytes, "%d bytes are there, not %d", there, bytes);
}

/* Waits until nothing is on its way to the other end. */
static inline void tcp_acknowledged(int fd) {
  int left = 0;
  tst_until(ioctl(fd, SIOCOUTQ, &left) == 0 && left == 0, "%d bytes are not acknowledged", left);
}

/*
 * A process outside of the tree, which tscriu is not told of: it takes one connection, and does what `act` does with it.
 * The case's keeper ends it, should it outlive the case.
 */
typedef struct {
  int fd;    /* our end of the connection */
  pid_t pid; /* for tcp_tell */
  int step;  /* ends when it says tcp_stands */
} tcp_outsider;

static int tcp_stands_by = -1;

static inline pid_t tcp_fork_outsider(int listener, void (*act)(int fd), bool accepts, int *step) {
  int pids[2], steps[2], status;
  pid_t pid = 0;
  tst_sys(pipe2(pids, O_CLOEXEC));
  tst_sys(pipe2(steps, O_CLOEXEC));
  pid_t between = tst_sys(fork());
  if (between == 0) {
    pid = fork();
    if (pid != 0) {
      if (write(pids[1], &pid, sizeof(pid)) != sizeof(pid)) _exit(1);
      _exit(0);
    }
    setsid();
    for (int fd = 3; fd < 256; fd++)
      if (fd != listener && fd != steps[1]) close(fd);
    sigset_t word;
    sigemptyset(&word);
    sigaddset(&word, SIGUSR1);
    sigprocmask(SIG_BLOCK, &word, NULL);
    tcp_stands_by = steps[1];
    if (accepts) {
      int fd = tst_sys(accept(listener, NULL, NULL));
      close(listener);
      act(fd);
    } else act(listener);
    _exit(0);
  }
  tst_check(read(pids[0], &pid, sizeof(pid)) == sizeof(pid), "the outsider did not begin");
  tst_sys(waitpid(between, &status, 0));
  close(pids[0]), close(pids[1]), close(steps[1]);
  *step = steps[0];
  return pid;
}

static inline tcp_outsider tcp_meet(tcp_kind kind, void (*act)(int fd)) {
  inet_name to;
  int listener = tcp_bound(kind, &to);
  tst_sys(listen(listener, 1));
  tcp_outsider one = {0};
  one.pid = tcp_fork_outsider(listener, act, true, &one.step);
  one.fd = tcp_call(&to);
  close(listener);
  return one;
}

/* Said by the outsider: all before the dump is done. It goes on when it is told to. */
static inline void tcp_stands(void) {
  sigset_t word;
  int number;
  close(tcp_stands_by);
  sigemptyset(&word);
  sigaddset(&word, SIGUSR1);
  sigwait(&word, &number);
}

/* Waits until the outsider has said so. */
static inline void tcp_await(tcp_outsider *one) {
  char byte;
  tst_check(read(one->step, &byte, 1) == 0, "the outsider says something else");
  close(one->step);
}

static inline void tcp_tell(const tcp_outsider *one) {
  tst_sys(kill(one->pid, SIGUSR1));
}

/* Said by the outsider: all that it has seen was right. */
static inline void tcp_right(void) {
  char name[32];
  snprintf(name, sizeof(name), "right.%d", getpid());
  close(tst_sys(open(name, O_CREAT | O_WRONLY, 0666)));
}

static inline void tcp_await_right(const tcp_outsider *one) {
  char name[32];
  snprintf(name, sizeof(name), "right.%d", one->pid);
  tst_until(access(name, F_OK) == 0, "the outsider did not get what it should");
}

/* An outsider that sends back whatever it gets, in capitals. */
static inline void tcp_echo(int fd) {
  char text[4096];
  ssize_t size;
  close(tcp_stands_by);
  while ((size = recv(fd, text, sizeof(text), 0)) > 0) {
    for (ssize_t i = 0; i < size; i++)
      if (text[i] >= 'a' && text[i] <= 'z') text[i] -= 32;
    for (ssize_t at = 0, put; at < size; at += put)
      if ((put = send(fd, text + at, size - at, MSG_NOSIGNAL)) <= 0) return;
  }
}

#endif
