// zdtm: {"category": "sockets-unix", "verifies": "two descriptors in one control message of a seqpacket socket arrive together", "spoils": true, "cc": ["-DTYPE=SOCK_SEQPACKET"]}
#include "scm03.c"
