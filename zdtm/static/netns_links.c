// zdtm: {"category": "netns", "verifies": "interfaces of a network namespace of the tree's own come back: bridges, pairs, with numbers, addresses, rules and routes, also where no cable leads", "needs": ["root", "file:/usr/sbin/ip"], "flavours": ["h"]}
#include "netns.h"

static const char *const commands[] = {
    "ip link add br0 type bridge",
    "ip link set br0 type bridge ageing_time 12300",
    "ip link set br0 up",
    "ip link add left type veth peer name right",
    "ip link set right master br0",
    "ip link set left address 02:00:00:00:00:77 mtu 1400",
    "ip link set left up",
    "ip link set right up",
    "ip addr add 10.5.0.1/24 dev left",
    "ip addr add 10.5.0.2/24 dev left label left:2",
    "ip addr add fd55::1/64 dev br0 nodad",
    "ip route add 10.9.0.0/16 via 10.5.0.9 metric 7",
    "ip link add lone type bridge",
    "ip link add near type veth peer name far",
    "ip link set near master lone",
    "ip link set near up",
    "ip link set lone up",
    "ip addr add 10.7.0.1/24 dev lone",
    "ip route add 10.8.0.0/16 via 10.7.0.9",
    "ip route add blackhole 10.66.0.0/16",
    "ip -6 route add fd66::/48 via fd55::9",
    "ip rule add from 10.5.0.0/24 table 77 priority 500",
    "ip rule add table local priority 9",
    "ip rule del priority 0",
    "ip route add default via 10.5.0.8 table 77",
};
static const char *const questions[] = {
    "ip -o link show | sed 's/ qdisc.*mode / /'",
    "ip -o -4 addr show",
    "ip -o -6 addr show scope global",
    "ip -4 route show | sort; ip -4 route show table 77",
    "ip -6 route show | grep -v fe80 | sort",
    "ip rule show",
    "ip -d link show br0 | grep -o 'ageing_time [0-9]*'",
    "ip -d link show right | grep -o 'bridge_slave\\|master [a-z0-9]*' | head -1",
};
enum { QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

static char *answer(const char *question) {
  static char text[QUESTIONS * 2][8192];
  static int next;
  FILE *from = popen(question, "r");
  char *to = text[next++];
  size_t got = fread(to, 1, sizeof(text[0]) - 1, from);
  to[got] = 0;
  pclose(from);
  return to;
}

int main(void) {
  tst_begin();
  netns_leave();
  for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) netns_do(commands[i]);
  /* the bridge forwards when it has looked around */
  tst_until(!netns_says("ip -o link show br0 | grep -q LOWER_UP"), "the bridge does not come up");
  tst_until(!netns_says("ip route show 10.8.0.0/16 | grep -q linkdown"), "a bridge without a cable is not seen to be");
  char *was[QUESTIONS];
  for (int i = 0; i < QUESTIONS; i++) was[i] = answer(questions[i]);
  inet_name name = {.four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a050001), .sin_port = htons(80)}};
  int listener = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  tst_sys(bind(listener, &name.any, sizeof(name.four)));
  tst_sys(listen(listener, 2));
  tst_ready();
  TST_SPOIL netns_do("ip rule del priority 500");
  tst_until(!netns_says("ip -o link show br0 | grep -q LOWER_UP"), "the bridge does not come up");
  tst_until(!netns_says("ip route show 10.8.0.0/16 | grep -q linkdown"), "a bridge without a cable is not seen to be");
  for (int i = 0; i < QUESTIONS; i++) {
    char *is = answer(questions[i]);
    tst_check(!strcmp(is, was[i]), "%s:\n%s\nwas\n%s", questions[i], is, was[i]);
  }
  inet_serves(listener, &name);
  return tst_pass();
}
