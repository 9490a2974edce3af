// zdtm: {"category": "sockets-unix", "verifies": "listeners whose path was deleted, one of them after it was renamed, still listen and leave both names free (SOCK_SEQPACKET)", "spoils": true, "cc": ["-DTYPE=SOCK_SEQPACKET"]}
#include "del_standalone_un.c"
