// zdtm: {"category": "sockets-inet", "verifies": "sockets stay bound to addresses that the machine does not have", "spoils": true}
#include "freebind.h"

int main(void) { return freebind_case(true); }
