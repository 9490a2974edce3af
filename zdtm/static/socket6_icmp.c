// zdtm: {"category": "sockets-other", "verifies": "ping sockets of IPv6 keep their numbers and peers, and get their echoes", "needs": ["net"], "spoils": true}
#include "pinger.h"

int main(void) { return pinger(AF_INET6, IPPROTO_ICMPV6); }
