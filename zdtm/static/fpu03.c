// zdtm: {"category": "arch-regs", "needs": ["arch:x64"], "cc": ["-lm"], "spoils": true, "verifies": "an x87 calculation left half way in a secondary thread ends right"}
#define THREADS 1
#include "fpu00.c"
