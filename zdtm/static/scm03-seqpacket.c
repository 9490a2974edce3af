// zdtm: {"category": "sockets-unix", "verifies": "two descriptors in one control message of a seqpacket socket arrive together", "spoils": true}
#include "scm.h"

int main(void) { return scm_both_wait(SOCK_SEQPACKET, 1, 2); }
