// zdtm: {"category": "sockets-unix", "verifies": "a socket that was shut for reading before it connected stays shut, and its peer may still send (SOCK_SEQPACKET)", "spoils": true, "cc": ["-DTYPE=SOCK_SEQPACKET"]}
#include "sockets03.c"
