// zdtm: {"category": "sockets-unix", "verifies": "sockets at one path in turn, in directories that are gone or were made anew, keep their own partners (SOCK_SEQPACKET)", "spoils": true, "cc": ["-DTYPE=SOCK_SEQPACKET"]}
#include "sk-unix01.c"
