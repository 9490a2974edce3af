// zdtm: {"category": "sockets-unix", "spoils": true, "verifies": "seqpacket pairs keep two messages each, beside datagram sockets"}
#define PAIR SOCK_SEQPACKET
#include "socket_queues.c"
