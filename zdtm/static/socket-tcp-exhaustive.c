// zdtm: {"category": "tcp", "verifies": "connections after every sequence of three calls at their ends: states, queues, and all that arrives later", "opts": ["--tcp-established"]}
#include "tcp.h"

enum { SENDS, SHUTS, DEAF, READS, ACTS, ENDS = 2, LENGTH = 3, CHUNK = 700, SOME = 300 };

typedef struct {
  int fd, state, unread, unacknowledged;
  short events;
  size_t sent, got;
  bool shut;
} end;

static short events_of(int fd) {
  struct pollfd polled = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};
  tst_sys(poll(&polled, 1, 0));
  return polled.revents;
}

static void look(end *at) {
  at->state = tcp_state(at->fd);
  tst_sys(ioctl(at->fd, SIOCINQ, &at->unread));
  tst_sys(ioctl(at->fd, SIOCOUTQ, &at->unacknowledged));
  at->events = events_of(at->fd);
}

static bool same(const end *a, const end *b) {
  return a->state == b->state && a->unread == b->unread && a->unacknowledged == b->unacknowledged && a->events == b->events;
}

static void act(end *at, int what, unsigned seed) {
  if (what == SENDS && !at->shut) at->sent += tcp_put(at->fd, at->sent, CHUNK, seed, true);
  if (what == SHUTS && !at->shut) {
    at->shut = true;
    tst_sys(shutdown(at->fd, SHUT_WR));
  }
  if (what == DEAF) tcp_deafen(at->fd);
  if (what == READS) {
    int there = 0;
    tst_sys(ioctl(at->fd, SIOCINQ, &there));
    if (there > SOME) there = SOME;
    tcp_get(at->fd, at->got, (size_t)there, !seed);
    at->got += (size_t)there;
  }
}

/* Everything that the other end has sent comes, and its end if it has ended. */
static void drain(end *at, const end *other, unsigned seed) {
  tcp_get(at->fd, at->got, other->sent - at->got, !seed);
  if (other->shut) tcp_expect_end(at->fd);
  else tst_check(recv(at->fd, &(char){0}, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "there is more to read");
}

int main(void) {
  tst_begin();
  inet_name to;
  int listener = tcp_bound(TCP_FOUR, &to), all = 1;
  inet_set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
  tst_sys(listen(listener, 16));
  for (int i = 0; i < LENGTH; i++) all *= ACTS * ENDS;
  end(*pairs)[ENDS] = calloc((size_t)all, sizeof(*pairs));
  for (int number = 0; number < all; number++) {
    end *pair = pairs[number];
    pair[0].fd = tcp_call(&to), pair[1].fd = tst_sys(accept(listener, NULL, NULL));
    for (int i = 0; i < ENDS; i++) inet_set(pair[i].fd, IPPROTO_TCP, TCP_NODELAY, 1);
    for (int i = 0, rest = number; i < LENGTH; i++, rest /= ACTS * ENDS) {
      unsigned who = (unsigned)(rest % ENDS);
      act(&pair[who], rest / ENDS % ACTS, who);
    }
  }
  /* Acknowledgements may take their time. */
  for (int moves = 1; moves > 0;) {
    for (int i = 0; i < 300; i++) tst_nap();
    moves = 0;
    for (int number = 0; number < all; number++)
      for (int i = 0; i < ENDS; i++) {
        end was = pairs[number][i];
        look(&pairs[number][i]);
        moves += !same(&was, &pairs[number][i]);
      }
  }
  tst_ready();
  TST_SPOIL tst_sys(shutdown(pairs[0][0].fd, SHUT_WR));
  for (int number = 0; number < all; number++)
    for (int i = 0; i < ENDS; i++) {
      end *was = &pairs[number][i], is = *was;
      look(&is);
      tst_check(same(&is, was), "%d.%d: state %d unread %d unacknowledged %d poll %x, was %d %d %d %x", number, i, is.state, is.unread,
                is.unacknowledged, is.events, was->state, was->unread, was->unacknowledged, was->events);
    }
  for (int number = 0; number < all; number++)
    for (int i = 0; i < ENDS; i++) setsockopt(pairs[number][i].fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, sizeof(int));
  for (int number = 0; number < all; number++)
    for (unsigned i = 0; i < ENDS; i++) drain(&pairs[number][i], &pairs[number][!i], i);
  return tst_pass();
}
