// zdtm: {"category": "sockets-unix", "refusedRunning": "behind an error that its program has not been told yet", "verifies": "every short sequence of calls on two unix sockets leaves them as it leaves sockets that were never saved: 3,500 answer as those do"}
#include "named.h"

#include <poll.h>

/* How two sockets a and b begin, and what happens to them then. */
enum start { PAIR, ACCEPTED, BOUND_PAIR, NAMED, STARTS };
enum call { SEND_A, SEND_B, RECV_A, SHUT_RD_A, SHUT_WR_A, SHUT_RD_B, CLOSE_A, CLOSE_B, RIGHTS_A, CALLS };
enum { LENGTH = 3 };

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

typedef struct {
  int fd[2];
} both;

static void connected(int type, const char *name, both *made) {
  named_name address = named_abstract(name);
  int listener = named_bound(type, &address);
  if (type == SOCK_DGRAM) {
    made->fd[1] = listener;
    made->fd[0] = tst_sys(named_client(type, &address));
    return;
  }
  tst_sys(listen(listener, 1));
  made->fd[0] = tst_sys(named_client(type, &address));
  made->fd[1] = tst_sys(accept(listener, NULL, NULL));
  close(listener);
}

static void begin(int type, enum start start, const char *name, both *made) {
  named_name first = named_abstract(name);
  if (start == PAIR || start == BOUND_PAIR) tst_sys(socketpair(AF_UNIX, type, 0, made->fd));
  if (start == BOUND_PAIR) tst_sys(bind(made->fd[0], (void *)&first.address, first.length));
  if (start == ACCEPTED) connected(type, name, made);
  if (start == NAMED) {
    /* Bound and no more: whatever is sent fails. */
    made->fd[0] = named_bound(type, &first);
    made->fd[1] = tst_sys(socket(AF_UNIX, type, 0));
  }
  for (int i = 0; i < 2; i++) tst_sys(fcntl(made->fd[i], F_SETFL, O_NONBLOCK));
}

static void end(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void send_rights(int fd) {
  char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 'r';
  struct iovec vector = {&byte, 1};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &(int){STDIN_FILENO}, sizeof(int));
  sendmsg(fd, &message, MSG_NOSIGNAL);
}

static void act(enum call call, both *on) {
  int a = on->fd[0], b = on->fd[1];
  char byte;
  switch (call) {
    case SEND_A: send(a, "ab", 2, MSG_NOSIGNAL); break;
    case SEND_B: send(b, "cd", 2, MSG_NOSIGNAL); break;
    case RECV_A: recv(a, &byte, 1, 0); break;
    case SHUT_RD_A: shutdown(a, SHUT_RD); break;
    case SHUT_WR_A: shutdown(a, SHUT_WR); break;
    case SHUT_RD_B: shutdown(b, SHUT_RD); break;
    case CLOSE_A: end(&on->fd[0]); break;
    case CLOSE_B: end(&on->fd[1]); break;
    case RIGHTS_A: send_rights(a); break;
    default: break;
  }
}

/* Everything that can be asked of a socket, as text. */
static void answers(int fd, char *into, size_t room) {
  char bytes[8], control[CMSG_SPACE(sizeof(int))];
  struct sockaddr_un name;
  struct pollfd poller = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  size_t at = 0;
#define SAY(...) at += (size_t)snprintf(into + at, at < room ? room - at : 0, __VA_ARGS__)
  poll(&poller, 1, 0);
  SAY("poll %x;", poller.revents);
  for (int turn = 0; turn < 6; turn++) {
    struct iovec vector = {bytes, sizeof(bytes)};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    errno = 0;
    ssize_t got = recvmsg(fd, &message, 0);
    SAY(" %zd", got);
    if (got > 0) SAY("%.*s+%zu", (int)got, bytes, message.msg_controllen);
    if (got > 0 && message.msg_controllen > 0) {
      int right;
      memcpy(&right, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(right));
      close(right);
    }
    if (got <= 0) SAY("e%d", errno);
    if (got < 0 && errno == EAGAIN) break;
  }
  errno = 0;
  int sent = (int)send(fd, "x", 1, MSG_NOSIGNAL);
  SAY("; sent %d e%d", sent, errno);
  int error = -1;
  socklen_t size = sizeof(error);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  socklen_t own = sizeof(name), peer = sizeof(name);
  getsockname(fd, (void *)&name, &own);
  int has = getpeername(fd, (void *)&name, &peer);
  poll(&poller, 1, 0);
  SAY("; error %d name %u peer %d %u poll %x", error, own, has, has ? 0 : peer, poller.revents);
#undef SAY
}

typedef struct {
  int type;
  enum start start;
  enum call calls[LENGTH];
} sequence;

enum { MOST = 3 * STARTS * CALLS * CALLS * CALLS };
static sequence all[MOST];
static both made[MOST];

static void make(const sequence *one, const char *what, long number, both *into) {
  char name[32];
  snprintf(name, sizeof(name), "%s%ld", what, number);
  begin(one->type, one->start, name, into);
  for (int i = 0; i < LENGTH; i++) act(one->calls[i], into);
}

int main(void) {
  tst_begin();
  long count = 0;
  for (int type = 0; type < 3; type++)
    for (int start = 0; start < STARTS; start++)
      for (int n = 0; n < CALLS * CALLS * CALLS; n++) {
        sequence one = {types[type], start, {n / (CALLS * CALLS), n / CALLS % CALLS, n % CALLS}};
        /* Every fifth, chosen so that all pairs of calls are met. */
        if ((one.calls[0] + 2 * one.calls[1] + 3 * one.calls[2] + start) % 5 != 0) continue;
        all[count++] = one;
      }
  for (long i = 0; i < count; i++) make(&all[i], "old", i, &made[i]);
  tst_ready();
  TST_SPOIL tst_sys(shutdown(made[count / 2].fd[0] >= 0 ? made[count / 2].fd[0] : made[count / 2].fd[1], SHUT_RDWR));
  int wrong = 0;
  for (long i = 0; i < count; i++) {
    both fresh;
    make(&all[i], "new", i, &fresh);
    for (int end_of = 0; end_of < 2; end_of++) {
      char was[256] = "closed", is[256] = "closed";
      if (fresh.fd[end_of] >= 0) answers(fresh.fd[end_of], was, sizeof(was));
      if (made[i].fd[end_of] >= 0) answers(made[i].fd[end_of], is, sizeof(is));
      if (!strcmp(was, is)) continue;
      if (wrong++ < 12)
        fprintf(stderr, "type %d start %d calls %d %d %d end %d:\n  was %s\n  is  %s\n", all[i].type, all[i].start,
                all[i].calls[0], all[i].calls[1], all[i].calls[2], end_of, was, is);
    }
    for (int end_of = 0; end_of < 2; end_of++) end(&fresh.fd[end_of]), end(&made[i].fd[end_of]);
  }
  tst_check(wrong == 0, "%d of %ld answer otherwise", wrong, count);
  return tst_pass();
}
