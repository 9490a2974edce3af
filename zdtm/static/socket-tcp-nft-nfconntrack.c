// zdtm: {"category": "tcp", "verifies": "a local connection goes on where nf_tables lets pass only what it has tracked from the beginning", "flavours": ["h"], "needs": ["net", "file:/usr/sbin/nft"], "spoils": true, "opts": ["--tcp-established"], "dumpOpts": ["--network-lock", "nftables"]}
#include "tracked.h"

int main(void) {
  return tcp_tracked("nft 'add table ip t; add chain ip t c { type filter hook input priority 0; policy accept; }; add rule ip t c ct state new,established accept' 2>/dev/null",
                     "nft 'flush chain ip t c; add rule ip t c ct state established accept; add rule ip t c drop'",
                     "nft 'insert rule ip t c drop'");
}
