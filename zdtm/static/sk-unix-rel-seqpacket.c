// zdtm: {"category": "sockets-unix", "verifies": "seqpacket listeners with relative paths, made in different directories, are found from there", "spoils": true, "cc": ["-DTYPE=SOCK_SEQPACKET"]}
#include "sk-unix-rel.c"
