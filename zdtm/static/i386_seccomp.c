// zdtm: {"category": "seccomp", "needs": ["i386"], "spoils": true, "verifies": "the filter of a 32-bit program still kills on the forbidden call, and returns its error on another"}
#include "seccomp_filter.c"
