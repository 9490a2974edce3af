// zdtm: {"category": "memory", "flavours": ["h", "ns"], "needs": ["i386", "root"], "spoils": true, "verifies": "over three generations of 32-bit processes every page is shared or private, present or absent, as before"}
#include "cow01.c"
