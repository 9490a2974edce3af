// zdtm: {"category": "netns", "verifies": "neighbours that were set, and connections that the packet filter knows, are known again", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/nft"], "opts": ["--tcp-established"], "flavours": ["h"]}
#include "netns.h"

static void listed(const char *command, char text[8192]) {
  FILE *from = popen(command, "r");
  text[fread(text, 1, 8191, from)] = 0;
  pclose(from);
}

static const char known[] = "sed 's/ [0-9]* ESTABLISHED/ ESTABLISHED/; s/packets.*//; s/ src=.*mark/ mark/' /proc/net/nf_conntrack | grep tcp";
static const char neighbours[] = "ip neigh show nud permanent; ip neigh show proxy; ip -6 neigh show nud permanent";

int main(void) {
  tst_begin();
  netns_leave();
  netns_do("ip link add one type veth peer name two");
  netns_do("ip addr add 10.1.0.1/24 dev one && ip link set one up && ip link set two up");
  netns_do("ip neigh add 10.1.0.7 lladdr 02:00:00:00:00:07 dev one nud permanent");
  netns_do("ip neigh add proxy 10.1.0.8 dev two");
  netns_do("ip -6 neigh add fe80::7 lladdr 02:00:00:00:00:17 dev one nud permanent");
  netns_do("nft 'add table ip t; add chain ip t in { type filter hook input priority 0; policy drop; };"
           " add rule ip t in ct state established,related accept; add rule ip t in tcp dport 7001 ct state new accept'");
  inet_name name = inet_loopback(AF_INET);
  name.four.sin_port = htons(7001);
  int listener = tst_sys(socket(AF_INET, SOCK_STREAM, 0)), client = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  tst_sys(bind(listener, &name.any, sizeof(name.four)));
  tst_sys(listen(listener, 1));
  tst_sys(connect(client, &name.any, sizeof(name.four)));
  int server = tst_sys(accept(listener, NULL, NULL));
  static char was[2][8192], is[2][8192];
  listed(neighbours, was[0]);
  tst_check(strstr(was[0], "10.1.0.8") && strstr(was[0], "fe80::7"), "%s", was[0]);
  if (access("/proc/net/nf_conntrack", R_OK)) tst_skip("this kernel does not tell which connections it knows");
  listed(known, was[1]);
  tst_check(strstr(was[1], "ESTABLISHED") != NULL, "no connection is known: %s", was[1]);
  tst_ready();
  TST_SPOIL netns_do("ip neigh del 10.1.0.7 dev one");
  listed(neighbours, is[0]);
  tst_check(!strcmp(was[0], is[0]), "the neighbours are\n%s\nwere\n%s", is[0], was[0]);
  listed(known, is[1]);
  tst_check(!strcmp(was[1], is[1]), "known is\n%s\nwas\n%s", is[1], was[1]);
  char text[4];
  tst_check(write(client, "now", 3) == 3 && read(server, text, 3) == 3, "the connection is broken");
  tst_check(write(server, "yes", 3) == 3 && read(client, text, 3) == 3, "the connection is broken");
  return tst_pass();
}
