// zdtm: {"category": "netns", "flavours": ["ns", "uns"], "verifies": "an empty bridge with its address, number and settings", "needs": ["root", "file:/usr/sbin/ip"]}
#include "netns.h"

static void look(const char *into) {
  char command[512];
  snprintf(command, sizeof(command),
           "(ip -d -o link show br7 | grep -o '^[0-9]*\\|link.ether [^ ]*\\|mtu [0-9]*\\|forward_delay [0-9]*\\|ageing_time [0-9]*"
           "\\|priority [0-9]*\\|stp_state [0-9]'; ip -o addr show br7 | grep -o 'inet.*scope [a-z]*') >%s", into);
  netns_do(command);
}

int main(void) {
  tst_begin();
  netns_do("ip link add br7 address 02:00:00:00:00:07 type bridge forward_delay 400 ageing_time 9000 priority 7"
           " && ip addr add 10.7.0.1/24 dev br7 && ip addr add fd07::1/64 dev br7 nodad && ip link set br7 mtu 1400 up");
  look("before");
  tst_ready();
  TST_SPOIL netns_do("ip link set br7 mtu 1300");
  look("after");
  tst_check(netns_says("diff before after") == 0, "something is otherwise");
  unlink("after");
  return tst_pass();
}
