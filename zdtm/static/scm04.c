// zdtm: {"category": "sockets-unix", "verifies": "descriptors of two control messages in one send arrive together", "spoils": true}
#include "scm.h"

int main(void) { return scm_both_wait(SOCK_STREAM, 2, 1); }
