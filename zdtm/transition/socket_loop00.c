// zdtm: {"category": "sockets-unix", "spoils": true, "verifies": "bytes that go round a ring of tasks through socket pairs are neither lost nor changed"}
#include "tst.h"

#include <sys/socket.h>

#define LINK(ends) socketpair(AF_UNIX, SOCK_STREAM, 0, ends)
#define READ 1
#include "pipe_loop00.c"
