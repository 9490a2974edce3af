// zdtm: {"category": "sockets-inet", "verifies": "sockets stay bound to addresses that the machine does not have, though they may not be bound so again", "spoils": true}
#include "freebind.h"

int main(void) { return freebind_case(false); }
