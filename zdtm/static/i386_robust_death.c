// zdtm: {"category": "threads", "needs": ["i386"], "spoils": true, "verifies": "a robust mutex of a 32-bit program is recovered when its owner, thread or process, dies after the restore"}
#include "futex-rl.c"
