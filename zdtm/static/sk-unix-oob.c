// zdtm: {"category": "sockets-unix", "verifies": "bytes out of band wait in streams where they were sent: taken ones stop a reader, SO_OOBINLINE has them in line, whoever owns the socket gets no second SIGURG"}
#include "tst.h"

#include <poll.h>
#include <sys/socket.h>

static int signals;

static void on_urgent(int signal) {
  (void)signal;
  signals++;
}

/* A pair whose second end holds "abc", an urgent X, "fgh". */
static int filled(int flags, int *writer) {
  int pair[2];
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  if (flags) tst_sys(setsockopt(pair[1], SOL_SOCKET, SO_OOBINLINE, &flags, sizeof(flags)));
  tst_sys(send(pair[0], "abc", 3, 0));
  if (send(pair[0], "X", 1, MSG_OOB) == -1) tst_skip("this kernel has no MSG_OOB in unix sockets");
  tst_sys(send(pair[0], "fgh", 3, 0));
  *writer = pair[0];
  return pair[1];
}

static void reads(int fd, const char *what, int flags) {
  char text[16] = {0};
  int got = recv(fd, text, 15, flags | MSG_DONTWAIT);
  tst_check(got == (int)strlen(what) && !strcmp(text, what), "%s was read, not %s", text, what);
}

int main(void) {
  tst_begin();
  int middle, first, alone, taken, in_line, in_line_first, many, writer;
  char c;
  middle = filled(0, &writer);
  signal(SIGURG, on_urgent);
  tst_sys(fcntl(middle, F_SETOWN, getpid()));
  first = filled(0, &writer);
  reads(first, "abc", 0);
  alone = filled(0, &writer);
  reads(alone, "abc", 0);
  reads(alone, "fgh", MSG_PEEK);
  taken = filled(0, &writer);
  tst_sys(recv(taken, &c, 1, MSG_OOB));
  in_line = filled(1, &writer);
  in_line_first = filled(1, &writer);
  reads(in_line_first, "abc", 0);
  many = filled(0, &writer);
  tst_sys(send(writer, "Z", 1, MSG_OOB));
  tst_ready();
  TST_SPOIL tst_sys(send(writer, "!", 1, MSG_OOB));
  tst_check(signals == 0, "SIGURG came %d times", signals);
  struct pollfd poller = {middle, POLLIN | POLLPRI, 0};
  tst_check(poll(&poller, 1, 0) == 1 && poller.revents == (POLLIN | POLLPRI), "it polls as %x", poller.revents);
  reads(middle, "abc", 0);
  reads(middle, "X", MSG_OOB);
  reads(middle, "fgh", 0);
  reads(first, "X", MSG_OOB);
  reads(first, "fgh", 0);
  reads(alone, "fgh", 0);
  reads(taken, "abc", 0);
  reads(taken, "fgh", 0);
  reads(in_line, "abc", 0);
  reads(in_line, "Xfgh", 0);
  reads(in_line_first, "Xfgh", 0);
  reads(many, "abcXfgh", 0);
  reads(many, "Z", MSG_OOB);
  return tst_pass();
}
