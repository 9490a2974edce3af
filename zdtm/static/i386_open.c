// zdtm: {"category": "files", "needs": ["i386"], "verifies": "what a 32-bit program opened without O_LARGEFILE stays without: files, terminals, devices, FIFOs and files of /proc"}
/* a master has a number of its own: it is opened once, by us */
#define MORE
#include "open_nofollow.c"
