// zdtm: {"category": "threads", "needs": ["i386"], "spoils": true, "verifies": "threads of a 32-bit program keep their lists of robust futexes, which are others than those of 64-bit programs"}
#include "robust_list.c"
