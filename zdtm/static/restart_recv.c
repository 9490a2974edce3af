// zdtm: {"category": "arch-regs", "spoils": true, "except": {"memory": "the kernel writes the rest of the time when a wait is interrupted, threads write when theirs is over", "thread": "waits end when their time is over", "status Threads": "waits end when their time is over"}, "verifies": "recv with and without a time limit, and accept, go on as they would have"}
#include "blocked.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static int plain[2], timed[2], server;
static struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};

static void __attribute__((constructor)) make(void) {
  struct timeval limit = {2, 0};
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, plain));
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, timed));
  tst_sys(setsockopt(timed[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
  server = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  tst_sys(bind(server, (void *)&address, sizeof(address)));
  tst_sys(listen(server, 1));
}

static long receives(void) {
  char byte;
  return recv(plain[0], &byte, 1, 0);
}
static void send_one(void) { tst_sys(send(plain[1], "x", 1, 0)); }

static long receives_for_a_time(void) {
  char byte;
  return recv(timed[0], &byte, 1, 0);
}

static long accepts(void) { return accept(server, NULL, NULL) >= 0 ? 0 : -1; }
static void connect_one(void) {
  int fd = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  tst_sys(connect(fd, (void *)&address, sizeof(address)));
}

static const blocked table[] = {
    {"recv", receives, send_one, 1, 0},
    {"recv for two seconds", receives_for_a_time, NULL, -EAGAIN, 2.0},
    {"accept", accepts, connect_one, 0, 0},
};

BLOCKED_MAIN(table)
