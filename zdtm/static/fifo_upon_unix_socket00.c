// zdtm: {"category": "fifo", "spoils": true, "verifies": "a named pipe at the path, absolute, of a socket that was deleted: both come back"}
#define ABSOLUTE
#include "fifo_upon_unix_socket01.c"
