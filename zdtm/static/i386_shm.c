// zdtm: {"category": "ipc", "flavours": ["h"], "needs": ["i386", "root"], "spoils": true, "verifies": "System V segments are attached in a 32-bit program where they were, whole and in part"}
#include "shm_first.c"
