/* The cases about the states of a connection; each is tried with all versions of IP. The other end is outside of the tree. */
#ifndef TCP_STATES_H
#define TCP_STATES_H
#include "tcp.h"

enum { TCP_BACK = 50000, TCP_SOME = 3000 };

/* Data of both directions, then the ends of them. */
static inline int tcp_talks(tcp_kind kind) {
  tst_begin();
  tcp_outsider one = tcp_meet(kind, tcp_echo);
  tcp_await(&one);
  tcp_send(one.fd, "before");
  tcp_expect(one.fd, "BEFORE");
  tst_ready();
  TST_SPOIL tcp_send(one.fd, "x");
  tcp_send(one.fd, "after");
  tcp_expect(one.fd, "AFTER");
  tst_sys(shutdown(one.fd, SHUT_WR));
  tcp_expect_end(one.fd);
  return tst_pass();
}

/* Both ends are in the tree. */
static inline int tcp_talks_within(tcp_kind kind) {
  tst_begin();
  tcp_pair pair = tcp_connect(kind);
  tcp_send(pair.client, "before");
  tcp_send(pair.server, "back");
  tst_ready();
  TST_SPOIL tcp_send(pair.client, "x"), tcp_expect(pair.server, "x");
  tcp_expect(pair.server, "before");
  tcp_send(pair.client, " and after");
  tcp_expect(pair.server, " and after");
  tcp_expect(pair.client, "back");
  tcp_send(pair.server, "more");
  tcp_expect(pair.client, "more");
  close(pair.client);
  tcp_expect_end(pair.server);
  return tst_pass();
}

/* The outsider sends back what our end has to read, and does not read itself. `deaf`: it does not even acknowledge. */
static void tcp_sends(int fd, bool ends, bool deaf) {
  tcp_put(fd, 0, TCP_BACK, 1, true);
  if (ends) tst_sys(shutdown(fd, SHUT_WR));
  if (deaf) tcp_deafen(fd);
  tcp_stands();
  if (deaf) tcp_hear(fd);
}

/* Reads all to the end; how much it was is told by the last bytes, behind the stream. */
static void tcp_takes_all(int fd) {
  static unsigned char buffer[1 << 16], right[1 << 16];
  size_t at = 0;
  for (ssize_t got; (got = recv(fd, buffer, sizeof(buffer), 0)) != 0; at += (size_t)got) {
    if (got < 0) tst_die("recv of the outsider");
    tcp_pattern(right, at, (size_t)got, 2);
    tst_check(!memcmp(buffer, right, (size_t)got), "the outsider got wrong bytes behind byte %zu", at);
  }
  char name[32];
  snprintf(name, sizeof(name), "took.%d", getpid());
  int file = tst_sys(open(name, O_CREAT | O_WRONLY, 0666));
  tst_check(write(file, &at, sizeof(at)) == sizeof(at), "cannot write");
  close(file);
}

/* The outsider took this many bytes of our stream, and its end. */
static void tcp_took(const tcp_outsider *one, size_t bytes) {
  char name[32];
  size_t took = 0;
  snprintf(name, sizeof(name), "took.%d", one->pid);
  int file = -1;
  tst_until((file = open(name, O_RDONLY)) >= 0, "the outsider does not get our end");
  tst_until(pread(file, &took, sizeof(took), 0) == sizeof(took), "the outsider does not say how much it took");
  tst_check(took == bytes, "the outsider took %zu bytes, not %zu", took, bytes);
  close(file);
}

static void tcp_slow(int fd) { tcp_sends(fd, false, false), tcp_takes_all(fd), tcp_send(fd, "thanks"); }
static void tcp_deaf(int fd) { tcp_sends(fd, false, true), tcp_takes_all(fd), tcp_send(fd, "thanks"); }
static void tcp_done(int fd) { tcp_sends(fd, true, false), tcp_takes_all(fd); }
static void tcp_done_deaf(int fd) { tcp_sends(fd, true, true), tcp_takes_all(fd); }

/* Our end was sent, or waits behind data, and nobody has acknowledged it. */
static inline int tcp_fin_wait1(tcp_kind kind) {
  tst_begin();
  tcp_outsider slow = tcp_meet(kind, tcp_slow), deaf = tcp_meet(kind, tcp_deaf), bare = tcp_meet(kind, tcp_deaf);
  tcp_outsider *all[] = {&slow, &deaf, &bare};
  for (int i = 0; i < 3; i++) tcp_await(all[i]), tcp_arrives(all[i]->fd, TCP_BACK);
  size_t sent[] = {tcp_flood(slow.fd, 2), tcp_put(deaf.fd, 0, TCP_SOME, 2, true), 0};
  for (int i = 0; i < 3; i++) tst_sys(shutdown(all[i]->fd, SHUT_WR)), tcp_becomes(all[i]->fd, TCP_FIN_WAIT1);
  tst_ready();
  TST_SPOIL tcp_get(bare.fd, 0, 1, 1);
  for (int i = 0; i < 3; i++) {
    tcp_is(all[i]->fd, TCP_FIN_WAIT1);
    tst_check(send(all[i]->fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "the ended direction takes more");
    tcp_get(all[i]->fd, 0, TCP_BACK, 1);
    tcp_tell(all[i]);
    tcp_took(all[i], sent[i]);
    tcp_expect(all[i]->fd, "thanks");
    tcp_expect_end(all[i]->fd);
  }
  return tst_pass();
}

static void tcp_hears_end(int fd) {
  tcp_put(fd, 0, TCP_BACK, 1, true);
  tcp_get(fd, 0, TCP_SOME, 2);
  tcp_expect_end(fd);
  tcp_stands();
  tcp_send(fd, "more");
}

/* Our end was acknowledged; the other one goes on sending. */
static inline int tcp_fin_wait2(tcp_kind kind) {
  tst_begin();
  tcp_outsider one = tcp_meet(kind, tcp_hears_end);
  tcp_put(one.fd, 0, TCP_SOME, 2, true);
  tcp_arrives(one.fd, TCP_BACK);
  tst_sys(shutdown(one.fd, SHUT_WR));
  tcp_await(&one);
  tcp_becomes(one.fd, TCP_FIN_WAIT2);
  tst_ready();
  TST_SPOIL tcp_get(one.fd, 0, 1, 1);
  tcp_is(one.fd, TCP_FIN_WAIT2);
  tcp_get(one.fd, 0, TCP_BACK, 1);
  tcp_tell(&one);
  tcp_expect(one.fd, "more");
  tcp_expect_end(one.fd);
  return tst_pass();
}

/* The other end is done; we are not. */
static inline int tcp_close_wait(tcp_kind kind) {
  tst_begin();
  tcp_outsider slow = tcp_meet(kind, tcp_done), deaf = tcp_meet(kind, tcp_done_deaf), bare = tcp_meet(kind, tcp_done);
  tcp_outsider *all[] = {&slow, &deaf, &bare};
  for (int i = 0; i < 3; i++) tcp_await(all[i]), tcp_becomes(all[i]->fd, TCP_CLOSE_WAIT);
  size_t sent[] = {tcp_flood(slow.fd, 2), tcp_put(deaf.fd, 0, TCP_SOME, 2, true), 0};
  tcp_get(bare.fd, 0, TCP_BACK, 1);
  tst_ready();
  TST_SPOIL tcp_get(slow.fd, 0, 1, 1);
  for (int i = 0; i < 3; i++) {
    int fd = all[i]->fd;
    tcp_is(fd, TCP_CLOSE_WAIT);
    if (i < 2) tcp_get(fd, 0, TCP_BACK, 1);
    tcp_expect_end(fd);
    tcp_tell(all[i]);
    tcp_put(fd, sent[i], TCP_SOME, 2, true);
    tst_sys(shutdown(fd, SHUT_WR));
    tcp_took(all[i], sent[i] + TCP_SOME);
    tcp_becomes(fd, TCP_CLOSE);
  }
  return tst_pass();
}

/* Both ends are done; ours was not acknowledged. */
static inline int tcp_last_ack(tcp_kind kind) {
  tst_begin();
  tcp_outsider slow = tcp_meet(kind, tcp_done), deaf = tcp_meet(kind, tcp_done_deaf), bare = tcp_meet(kind, tcp_done_deaf);
  tcp_outsider *all[] = {&slow, &deaf, &bare};
  for (int i = 0; i < 3; i++) tcp_await(all[i]), tcp_becomes(all[i]->fd, TCP_CLOSE_WAIT);
  size_t sent[] = {tcp_flood(slow.fd, 2), tcp_put(deaf.fd, 0, TCP_SOME, 2, true), 0};
  tcp_get(deaf.fd, 0, TCP_BACK, 1);
  for (int i = 0; i < 3; i++) tst_sys(shutdown(all[i]->fd, SHUT_WR)), tcp_becomes(all[i]->fd, TCP_LAST_ACK);
  tst_ready();
  TST_SPOIL tcp_get(bare.fd, 0, 1, 1);
  for (int i = 0; i < 3; i++) {
    int fd = all[i]->fd;
    tcp_is(fd, TCP_LAST_ACK);
    tst_check(send(fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "the ended direction takes more");
    if (i != 1) tcp_get(fd, 0, TCP_BACK, 1);
    tcp_expect_end(fd);
    tcp_tell(all[i]);
    tcp_took(all[i], sent[i]);
    tcp_becomes(fd, TCP_CLOSE);
    tcp_expect_end(fd);
  }
  return tst_pass();
}

static void tcp_crosses(int fd) {
  tcp_expect(fd, "cross");
  tcp_deafen(fd);
  tcp_put(fd, 0, TCP_BACK / 10, 1, true);
  tst_sys(shutdown(fd, SHUT_WR));
  tcp_stands();
  tcp_hear(fd);
  tcp_takes_all(fd);
}

/* Both ends were sent at once, and ours was not acknowledged. */
static inline int tcp_closing(tcp_kind kind) {
  tst_begin();
  tcp_outsider some = tcp_meet(kind, tcp_crosses), bare = tcp_meet(kind, tcp_crosses);
  tcp_outsider *all[] = {&some, &bare};
  for (int i = 0; i < 2; i++) tcp_deafen(all[i]->fd), tcp_send(all[i]->fd, "cross"), tcp_await(all[i]);
  size_t sent[] = {tcp_put(some.fd, 0, TCP_SOME, 2, true), 0};
  for (int i = 0; i < 2; i++) {
    tst_sys(shutdown(all[i]->fd, SHUT_WR));
    tcp_becomes(all[i]->fd, TCP_FIN_WAIT1);
    tcp_hear(all[i]->fd);
    tcp_becomes(all[i]->fd, TCP_CLOSING);
  }
  tst_ready();
  TST_SPOIL tcp_get(bare.fd, 0, 1, 1);
  for (int i = 0; i < 2; i++) {
    int fd = all[i]->fd;
    tcp_is(fd, TCP_CLOSING);
    tcp_get(fd, 0, TCP_BACK / 10, 1);
    tcp_expect_end(fd);
    tcp_tell(all[i]);
    tcp_took(all[i], sent[i]);
    tcp_becomes(fd, TCP_CLOSE);
  }
  return tst_pass();
}

static void tcp_answers_late(int listener) {
  tcp_stands();
  tcp_hear(listener);
  tcp_echo(tst_sys(accept(listener, NULL, NULL)));
}

static void tcp_refuses_late(int listener) {
  tcp_stands();
  close(listener);
}

/* Nobody answers its calls yet. */
static inline tcp_outsider tcp_silent(tcp_kind kind, void (*act)(int listener), inet_name *to) {
  tcp_outsider one = {.fd = -1};
  int listener = tcp_bound(kind, to);
  tst_sys(listen(listener, 1));
  tcp_deafen(listener);
  one.pid = tcp_fork_outsider(listener, act, false, &one.step);
  close(listener);
  tcp_await(&one);
  return one;
}

typedef struct {
  inet_name to;
  tst_step *step;
} tcp_waiting;

static int tcp_waits(void *argument) {
  tcp_waiting *it = argument;
  int fd = tcp_socket(&it->to);
  tst_set(it->step, 1);
  if (connect(fd, &it->to.any, inet_length(it->to.any.sa_family))) tst_die("connect");
  tcp_send(fd, "at last");
  tcp_expect(fd, "AT LAST");
  return 0;
}

/* Calls that nobody has answered: one in the background, one that is refused later, one that a process waits for. */
static inline int tcp_syn_sent(tcp_kind kind) {
  tst_begin();
  inet_name to[3];
  tcp_outsider all[] = {tcp_silent(kind, tcp_answers_late, &to[0]), tcp_silent(kind, tcp_refuses_late, &to[1]),
                        tcp_silent(kind, tcp_answers_late, &to[2])};
  for (int i = 0; i < 2; i++) {
    all[i].fd = tcp_socket(&to[i]);
    tst_sys(fcntl(all[i].fd, F_SETFL, O_NONBLOCK));
    int result = connect(all[i].fd, &to[i].any, inet_length(to[i].any.sa_family));
    tst_check(result == -1 && errno == EINPROGRESS, "connect gives %d", result);
    tcp_is(all[i].fd, TCP_SYN_SENT);
  }
  tcp_waiting waiting = {.to = to[2], .step = tst_new_step()};
  pid_t child = tst_child(tcp_waits, &waiting);
  tst_await(waiting.step, 1);
  tst_until(tst_state(child) == 'S', "the child does not wait");
  tst_ready();
  TST_SPOIL close(all[0].fd), all[0].fd = tcp_socket(&to[0]);
  for (int i = 0; i < 2; i++) tcp_is(all[i].fd, TCP_SYN_SENT);
  for (int i = 0; i < 3; i++) tcp_tell(&all[i]);
  struct pollfd polled = {.fd = all[0].fd, .events = POLLOUT};
  tst_sys(poll(&polled, 1, -1));
  tst_check(polled.revents == POLLOUT && inet_option(all[0].fd, SOL_SOCKET, SO_ERROR) == 0, "poll gives %x", polled.revents);
  tst_check(fcntl(all[0].fd, F_GETFL) == (O_RDWR | O_NONBLOCK), "the flags are %x", fcntl(all[0].fd, F_GETFL));
  tst_sys(fcntl(all[0].fd, F_SETFL, 0));
  tcp_send(all[0].fd, "hello");
  tcp_expect(all[0].fd, "HELLO");
  polled.fd = all[1].fd;
  tst_sys(poll(&polled, 1, -1));
  tst_check(inet_option(all[1].fd, SOL_SOCKET, SO_ERROR) == ECONNREFUSED, "the second one is not refused");
  tst_check(tst_reap(child) == 0, "the waiting child does not end well");
  return tst_pass();
}

static inline short tcp_events(int fd) {
  struct pollfd polled = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};
  tst_sys(poll(&polled, 1, 0));
  return polled.revents;
}

/* Nothing more goes either way, and the socket is not free for another call until it is dissolved. */
static inline void tcp_stays_closed(int fd, const inet_name *to) {
  tcp_is(fd, TCP_CLOSE);
  tcp_expect_end(fd);
  tst_check(send(fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "it can be written to");
  int result = connect(fd, &to->any, inet_length(to->any.sa_family));
  tst_check(result == -1 && errno == EISCONN, "connect gives %d, %s", result, strerror(errno));
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  tst_sys(connect(fd, &none, sizeof(none)));
  tst_sys(connect(fd, &to->any, inet_length(to->any.sa_family)));
  tcp_is(fd, TCP_ESTABLISHED);
}

/* Connections that are over, with and without something unread, and a socket that only was shut down. */
static inline int tcp_closed(tcp_kind kind) {
  tst_begin();
  inet_name to, names[4], now;
  int listener = tcp_bound(kind, &to), fds[4], never = tcp_socket(&to);
  tst_sys(listen(listener, 16));
  for (int i = 0; i < 4; i += 2) {
    fds[i] = tcp_call(&to), fds[i + 1] = tst_sys(accept(listener, NULL, NULL));
    if (i == 2) tcp_put(fds[2], 0, TCP_SOME, 1, true), tcp_put(fds[3], 0, TCP_SOME, 2, true);
    if (i == 2) tcp_arrives(fds[3], TCP_SOME), tcp_arrives(fds[2], TCP_SOME);
    for (int j = 0; j < 2; j++) tst_sys(shutdown(fds[i + j], SHUT_WR));
    for (int j = 0; j < 2; j++) tcp_becomes(fds[i + j], TCP_CLOSE);
  }
  for (int i = 0; i < 4; i++) {
    socklen_t length = sizeof(names[i]);
    memset(&names[i], 0, sizeof(names[i]));
    tst_sys(getsockname(fds[i], &names[i].any, &length));
  }
  tst_check(shutdown(never, SHUT_RDWR) == -1 && errno == ENOTCONN, "shutdown");
  short events[] = {tcp_events(fds[0]), tcp_events(fds[1]), tcp_events(fds[2]), tcp_events(fds[3]), tcp_events(never)};
  tst_ready();
  TST_SPOIL tcp_get(fds[2], 0, 1, 2);
  for (int i = 0; i < 5; i++) {
    int fd = i < 4 ? fds[i] : never;
    tst_check(tcp_events(fd) == events[i], "poll of socket %d gives %x, not %x", i, tcp_events(fd), events[i]);
    if (i == 4) break;
    socklen_t length = sizeof(now);
    memset(&now, 0, sizeof(now));
    tst_sys(getsockname(fd, &now.any, &length));
    tst_check(!memcmp(&now, &names[i], sizeof(now)), "socket %d has another address", i);
    tst_check(getpeername(fd, &now.any, &length) == -1 && errno == ENOTCONN, "socket %d has a peer", i);
  }
  tcp_get(fds[2], 0, TCP_SOME, 2);
  tcp_get(fds[3], 0, TCP_SOME, 1);
  tcp_stays_closed(fds[0], &to);
  tcp_stays_closed(fds[2], &to);
  tcp_expect_end(fds[1]);
  tcp_expect_end(fds[3]);
  tcp_expect_end(never);
  tst_check(send(never, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "the one that never was connected sends");
  return tst_pass();
}

static void tcp_resets(int fd) {
  struct linger at_once = {.l_onoff = 1};
  tcp_put(fd, 0, TCP_SOME, 1, true);
  tcp_acknowledged(fd);
  tst_sys(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
  close(fd);
}

/* The other end broke off: what it had sent is read, the error is told once. And calls that were refused. */
static inline int tcp_reseted(tcp_kind kind) {
  tst_begin();
  tcp_outsider untold = tcp_meet(kind, tcp_resets), told = tcp_meet(kind, tcp_resets);
  inet_name nobody;
  int closed = tcp_bound(kind, &nobody), refused = tcp_socket(&nobody);
  tst_sys(fcntl(refused, F_SETFL, O_NONBLOCK));
  connect(refused, &nobody.any, inet_length(nobody.any.sa_family));
  close(closed);
  tcp_await(&untold), tcp_await(&told);
  tcp_becomes(untold.fd, TCP_CLOSE), tcp_becomes(told.fd, TCP_CLOSE), tcp_becomes(refused, TCP_CLOSE);
  tst_check(inet_option(told.fd, SOL_SOCKET, SO_ERROR) == ECONNRESET, "no reset");
  short events[] = {tcp_events(untold.fd), tcp_events(told.fd), tcp_events(refused)};
  tst_ready();
  TST_SPOIL inet_option(untold.fd, SOL_SOCKET, SO_ERROR);
  int fds[] = {untold.fd, told.fd, refused};
  for (int i = 0; i < 3; i++) {
    tcp_is(fds[i], TCP_CLOSE);
    tst_check(tcp_events(fds[i]) == events[i], "poll of socket %d gives %x, not %x", i, tcp_events(fds[i]), events[i]);
  }
  tcp_get(told.fd, 0, TCP_SOME, 1);
  tcp_expect_end(told.fd);
  tcp_get(untold.fd, 0, TCP_SOME, 1);
  tcp_expect_error(untold.fd, ECONNRESET);
  tcp_expect_end(untold.fd);
  tst_check(send(untold.fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "it can be written to");
  int again = connect(refused, &nobody.any, inet_length(nobody.any.sa_family));
  tst_check(again == -1 && errno == ECONNREFUSED, "connect gives %d, %s", again, strerror(errno));
  return tst_pass();
}

/* Sockets that are bound only, and fresh ones, can listen or connect afterwards. */
static inline int tcp_unconn(tcp_kind kind) {
  tst_begin();
  inet_name listening, calling, from = {0};
  socklen_t length = sizeof(from);
  int listener = tcp_bound(kind, &listening), caller = tcp_bound(kind, &calling), fresh = tcp_socket(&listening);
  tst_ready();
  TST_SPOIL calling.four.sin_port ^= 1;
  tcp_is(fresh, TCP_CLOSE);
  tst_check(tcp_events(fresh) == (POLLHUP | POLLOUT), "poll gives %x", tcp_events(fresh));
  tst_sys(listen(listener, 4));
  for (int i = 0; i < 2; i++) {
    int fd = i == 0 ? caller : fresh;
    char byte;
    tst_sys(connect(fd, &listening.any, inet_length(listening.any.sa_family)));
    int server = tst_sys(accept(listener, &from.any, &length));
    tst_check(i > 0 || from.four.sin_port == calling.four.sin_port, "the call comes from port %d", ntohs(from.four.sin_port));
    tst_sys(send(fd, "x", 1, 0));
    tst_check(recv(server, &byte, 1, 0) == 1, "nothing comes");
  }
  return tst_pass();
}

enum { TCP_HUGE = 24 << 20 };

static inline void tcp_widen(int fd) {
  inet_set(fd, SOL_SOCKET, SO_SNDBUFFORCE, TCP_HUGE);
  inet_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, TCP_HUGE * 2);
}

static void tcp_huge(int fd) {
  tcp_put(fd, 0, TCP_HUGE, 1, true);
  tcp_stands();
  tcp_takes_all(fd);
}

static inline void tcp_sizes(int fd, int sizes[2]) {
  sizes[0] = inet_option(fd, SOL_SOCKET, SO_SNDBUF), sizes[1] = inet_option(fd, SOL_SOCKET, SO_RCVBUF);
}

static inline void tcp_has_sizes(int fd, const int sizes[2]) {
  int now[2];
  tcp_sizes(fd, now);
  tst_check(now[0] == sizes[0] && now[1] == sizes[1], "the buffers are %d and %d, not %d and %d", now[0], now[1], sizes[0],
            sizes[1]);
}

/* Queues of tens of megabytes in both directions, in buffers that the program made so large. */
static inline int tcp_buffers(tcp_kind kind) {
  tst_begin();
  inet_name to;
  tcp_outsider one;
  int listener = tcp_bound(kind, &to), sizes[2];
  tst_sys(listen(listener, 1));
  one.pid = tcp_fork_outsider(listener, tcp_huge, true, &one.step);
  one.fd = tcp_socket(&to);
  tcp_widen(one.fd);
  tst_sys(connect(one.fd, &to.any, inet_length(to.any.sa_family)));
  close(listener);
  tcp_arrives(one.fd, TCP_HUGE);
  tcp_await(&one);
  size_t sent = tcp_flood(one.fd, 2);
  tst_check(sent > TCP_HUGE / 2, "only %zu bytes fit", sent);
  tcp_sizes(one.fd, sizes);
  tst_ready();
  TST_SPOIL tcp_get(one.fd, 0, 1, 1);
  tcp_has_sizes(one.fd, sizes);
  tcp_get(one.fd, 0, TCP_HUGE, 1);
  tcp_tell(&one);
  tcp_put(one.fd, sent, TCP_SOME, 2, true);
  tst_sys(shutdown(one.fd, SHUT_WR));
  tcp_took(&one, sent + TCP_SOME);
  tcp_expect_end(one.fd);
  return tst_pass();
}

/* The same with both ends in the tree. */
static inline int tcp_buffers_within(tcp_kind kind) {
  tst_begin();
  tcp_pair pair = tcp_connect(kind);
  int fds[] = {pair.client, pair.server}, sizes[2][2];
  size_t sent[2];
  for (int i = 0; i < 2; i++) tcp_widen(fds[i]);
  for (int i = 0; i < 2; i++) sent[i] = tcp_flood(fds[i], 1 + i);
  for (int i = 0; i < 2; i++) tcp_sizes(fds[i], sizes[i]);
  tst_ready();
  TST_SPOIL tcp_get(fds[0], 0, 1, 2);
  for (int i = 0; i < 2; i++) tcp_has_sizes(fds[i], sizes[i]);
  for (int i = 0; i < 2; i++) tcp_get(fds[!i], 0, sent[i], 1 + i);
  for (int i = 0; i < 2; i++) tcp_put(fds[i], sent[i], TCP_SOME, 1 + i, true), tcp_get(fds[!i], sent[i], TCP_SOME, 1 + i);
  close(pair.client);
  tcp_expect_end(pair.server);
  return tst_pass();
}

/* A connection that an option closes; one whose call nobody has answered as well. */
static inline int tcp_is_closed(void) {
  tst_begin();
  inet_name to;
  tcp_outsider one = tcp_meet(TCP_FOUR, tcp_echo), late = tcp_silent(TCP_FOUR, tcp_answers_late, &to);
  int calling = tcp_socket(&to);
  tst_sys(fcntl(calling, F_SETFL, O_NONBLOCK));
  connect(calling, &to.any, inet_length(AF_INET));
  tcp_await(&one);
  tcp_send(one.fd, "unread");
  tcp_arrives(one.fd, 6);
  tst_ready();
  TST_SPOIL tcp_send(one.fd, "x"), tcp_expect(one.fd, "unread?");
  if (tst_ends()) {
    tcp_is(one.fd, TCP_CLOSE);
    tcp_expect_end(one.fd);
    tst_check(send(one.fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "it can be written to");
    tcp_is(calling, TCP_CLOSE);
  } else {
    tcp_expect(one.fd, "UNREAD");
    tcp_is(calling, TCP_SYN_SENT);
  }
  tcp_tell(&late);
  return tst_pass();
}

enum { TCP_TICKS = 40 };

static void tcp_sends_all_along(int fd) {
  close(tcp_stands_by);
  for (int i = 0; i < TCP_TICKS; i++) tcp_send(fd, "tick "), usleep(10000);
  tst_sys(shutdown(fd, SHUT_WR));
  tcp_expect(fd, "heard");
  tcp_expect_end(fd);
  tcp_right();
}

/* What is sent while nobody is there waits for the connection to come back. */
static inline int tcp_ticks(tcp_kind kind) {
  tst_begin();
  tcp_outsider one = tcp_meet(kind, tcp_sends_all_along);
  tcp_await(&one);
  tcp_expect(one.fd, "tick ");
  tst_ready();
  TST_SPOIL tcp_expect(one.fd, "tick");
  for (int i = 1; i < TCP_TICKS; i++) tcp_expect(one.fd, "tick ");
  tcp_expect_end(one.fd);
  tcp_send(one.fd, "heard");
  tst_sys(shutdown(one.fd, SHUT_WR));
  tcp_await_right(&one);
  return tst_pass();
}

/* Sends back whatever it gets, however large its pieces are, and then the end. */
static void tcp_returns(int fd) {
  static unsigned char buffer[1 << 17];
  close(tcp_stands_by);
  for (ssize_t got; (got = recv(fd, buffer, sizeof(buffer), 0)) > 0;)
    for (ssize_t at = 0, put; at < got; at += put)
      if ((put = send(fd, buffer + at, (size_t)(got - at), MSG_NOSIGNAL)) < 0) tst_die("the outsider cannot send");
  tst_sys(shutdown(fd, SHUT_WR));
  tcp_right();
}

/* Keeps data flowing both ways, without a pause, and checks each byte. */
static inline int tcp_streams(tcp_kind kind) {
  static unsigned char buffer[1 << 16], right[1 << 16];
  tst_begin();
  tcp_outsider one = tcp_meet(kind, tcp_returns);
  tcp_await(&one);
  tst_sys(fcntl(one.fd, F_SETFL, O_NONBLOCK));
  tst_mark_ready();
  size_t sent = 0, got = 0, last = 0;
  unsigned seed = 3;
  for (bool open = true;;) {
    struct pollfd polled = {.fd = one.fd, .events = open ? POLLIN | POLLOUT : POLLIN};
    tst_sys(poll(&polled, 1, -1));
    if (polled.revents & POLLOUT) sent += tcp_put(one.fd, sent, sizeof(buffer), 3, false);
    ssize_t size = recv(one.fd, buffer, sizeof(buffer), 0);
    if (size < 0 && errno != EAGAIN) tst_die("recv");
    if (size == 0) break;
    if (size > 0) {
      tcp_pattern(right, got, (size_t)size, seed);
      tst_check(!memcmp(buffer, right, (size_t)size), "wrong bytes behind byte %zu", got);
      got += (size_t)size;
    }
    if (!open || tst_going()) continue;
    TST_SPOIL seed = 4;
    /* Some more goes over the connection that came back. */
    if (last == 0) last = sent + (1 << 20);
    if (sent < last) continue;
    open = false;
    tst_sys(shutdown(one.fd, SHUT_WR));
  }
  tst_check(got == sent, "%zu of %zu bytes came back", got, sent);
  tcp_await_right(&one);
  return tst_pass();
}

static inet_name tcp_server;

static void tcp_calls(int unused) {
  (void)unused;
  int fd = tcp_call(&tcp_server);
  tcp_put(fd, 0, TCP_SOME, 5, true);
  tcp_stands();
  tcp_expect(fd, "outsider, ");
  tcp_send(fd, "more");
  tcp_expect(fd, "welcome");
  tcp_expect_end(fd);
  tcp_right();
}

static void tcp_calls_silently(int unused) {
  (void)unused;
  int fd = tcp_call(&tcp_server);
  tcp_stands();
  tcp_expect(fd, "welcome");
  tcp_send(fd, "thanks");
  tcp_expect_end(fd);
  tcp_right();
}

static inline void tcp_waiting_at(int listener, unsigned count) {
  struct tcp_info info = {0};
  socklen_t length = sizeof(info);
  tst_until(getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 && info.tcpi_unacked == count,
            "%u connections wait, not %u", info.tcpi_unacked, count);
}

/* Connections that nobody has accepted: with data, ended, reset, without data; clients in the tree and outside. */
static inline int tcp_pending(tcp_kind kind, int deferred) {
  struct linger at_once = {.l_onoff = 1};
  tst_begin();
  int listener = tcp_bound(kind == TCP_MAPPED ? TCP_FOUR : kind, &tcp_server);
  if (kind == TCP_MAPPED) {
    close(listener);
    listener = tst_sys(socket(AF_INET6, SOCK_STREAM, 0));
    inet_name any = {.six = {.sin6_family = AF_INET6}};
    socklen_t length = sizeof(any.six);
    tst_sys(bind(listener, &any.any, length));
    tst_sys(getsockname(listener, &any.any, &length));
    tcp_server.four.sin_port = any.six.sin6_port;
  }
  if (deferred) inet_set(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, deferred);
  tst_sys(listen(listener, 16));
  int open = tcp_call(&tcp_server);
  tcp_send(open, "first");
  tcp_waiting_at(listener, 1);
  int ended = tcp_call(&tcp_server);
  tcp_put(ended, 0, TCP_BACK, 4, true);
  tst_sys(shutdown(ended, SHUT_WR));
  tcp_becomes(ended, TCP_FIN_WAIT2);
  tcp_outsider talks = {.fd = -1}, silent = {.fd = -1};
  talks.pid = tcp_fork_outsider(-1, tcp_calls, false, &talks.step);
  tcp_await(&talks);
  tcp_waiting_at(listener, 3);
  int reset = tcp_call(&tcp_server);
  tcp_send(reset, "last words");
  tcp_acknowledged(reset);
  tst_sys(setsockopt(reset, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
  close(reset);
  if (!deferred) {
    silent.pid = tcp_fork_outsider(-1, tcp_calls_silently, false, &silent.step);
    tcp_await(&silent);
  }
  tcp_waiting_at(listener, deferred ? 4 : 5);
  tst_ready();
  TST_SPOIL close(tst_sys(accept(listener, NULL, NULL)));
  tst_check(!deferred || inet_option(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT) >= deferred, "accepting is not deferred");
  int fd = tst_sys(accept(listener, NULL, NULL));
  tcp_is(fd, TCP_ESTABLISHED);
  tcp_expect(fd, "first");
  tcp_send(fd, "hello first");
  tcp_expect(open, "hello first");
  tcp_send(open, "more of it");
  tcp_expect(fd, "more of it");
  close(open);
  tcp_expect_end(fd);
  fd = tst_sys(accept(listener, NULL, NULL));
  tcp_is(fd, TCP_CLOSE_WAIT);
  tcp_get(fd, 0, TCP_BACK, 4);
  tcp_expect_end(fd);
  tcp_send(fd, "answer");
  tcp_expect(ended, "answer");
  close(fd);
  tcp_expect_end(ended);
  fd = tst_sys(accept(listener, NULL, NULL));
  tcp_get(fd, 0, TCP_SOME, 5);
  tcp_send(fd, "outsider, ");
  tcp_tell(&talks);
  tcp_expect(fd, "more");
  tcp_send(fd, "welcome");
  close(fd);
  tcp_await_right(&talks);
  fd = tst_sys(accept(listener, NULL, NULL));
  tcp_is(fd, TCP_CLOSE);
  tcp_expect(fd, "last words");
  tcp_expect_error(fd, ECONNRESET);
  if (!deferred) {
    fd = tst_sys(accept(listener, NULL, NULL));
    tcp_is(fd, TCP_ESTABLISHED);
    tcp_send(fd, "welcome");
    tcp_tell(&silent);
    tcp_expect(fd, "thanks");
    close(fd);
    tcp_await_right(&silent);
  }
  int caller = tcp_call(&tcp_server);
  tcp_send(caller, "new");
  fd = tst_sys(accept(listener, NULL, NULL));
  tcp_expect(fd, "new");
  return tst_pass();
}

#endif
