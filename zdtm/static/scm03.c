// zdtm: {"category": "sockets-unix", "verifies": "two descriptors in one control message arrive together and in their order", "spoils": true}
#include "scm.h"

int main(void) { return scm_both_wait(SOCK_DGRAM, 1, 2); }
