// zdtm: {"category": "tcp", "verifies": "a local connection goes on where iptables lets pass only what it has tracked from the beginning", "flavours": ["h"], "needs": ["net", "file:/usr/sbin/iptables"], "spoils": true, "opts": ["--tcp-established"]}
#include "tracked.h"

int main(void) {
  return tcp_tracked("iptables -A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT 2>/dev/null",
                     "iptables -F INPUT; iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT && iptables -A INPUT -j DROP",
                     "iptables -I INPUT -j DROP");
}
