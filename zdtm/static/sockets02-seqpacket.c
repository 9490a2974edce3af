// zdtm: {"category": "sockets-unix", "verifies": "when the peer of a seqpacket pair is closed the rest can be read, then the end", "spoils": true, "cc": ["-DTYPE=SOCK_SEQPACKET"]}
#include "sockets02.c"
