// zdtm: {"flavours": ["h"], "category": "net-lock", "verifies": "in a network namespace that is there before and after, what comes for a connection waits for the restore that joins it, and flows again then", "needs": ["net"], "opts": ["--tcp-established"], "dumpOpts": ["--network-lock", "nftables"], "restoreOpts": ["--join-ns", "net:/media/net"], "spoils": true}
#include "netns_lock.h"

int main(void) {
  return netns_lock_case();
}
