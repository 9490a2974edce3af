// zdtm: {"category": "aio", "needs": ["i386"], "spoils": true, "verifies": "contexts of asynchronous I/O of a 32-bit program keep their completions"}
#include "aio00.c"
