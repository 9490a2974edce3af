// zdtm: {"category": "arch-regs", "needs": ["i386"], "cc": ["-static"], "except": {"memory": "the kernel writes what is left of the time when a wait is interrupted"}, "spoils": true, "verifies": "a static 32-bit program comes back"}
#include "sleeping00.c"
