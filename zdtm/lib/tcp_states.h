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

#endif
