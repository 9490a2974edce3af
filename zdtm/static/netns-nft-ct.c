// zdtm: {"category": "netns", "verifies": "objects of nf_tables that connections get come back, and rules that give them: how long each state lasts (ct timeout), which ones are expected (ct expectation)", "needs": ["root", "file:/usr/sbin/nft", "file:/usr/sbin/ip"], "flavours": ["h"]}
#include "netns.h"

static const char rules[] =
    "nft -f - <<'END'\n"
    "table inet kept {\n"
    "  ct timeout brief { protocol tcp; l3proto ip; policy = { established : 100, close : 4 }; }\n"
    "  ct timeout long { protocol udp; l3proto ip6; policy = { unreplied : 40, replied : 400 }; }\n"
    "  ct expectation more { protocol tcp; dport 9876; timeout 2m; size 12; l3proto ip; }\n"
    "  chain early {\n"
    "    type filter hook prerouting priority 0;\n"
    "    tcp dport 80 ct timeout set \"brief\"\n"
    "    udp dport 53 ct timeout set \"long\"\n"
    "    tcp dport 90 ct expectation set \"more\"\n"
    "  }\n"
    "}\n"
    "END\n";

static const char list[] = "nft list ruleset";

int main(void) {
  tst_begin();
  netns_leave();
  if (system("nft -c 'table ip t { ct timeout a { protocol tcp; l3proto ip; policy = { close : 4 }; }; }' >/dev/null 2>&1"))
    tst_skip("this kernel has no ct timeouts in nf_tables");
  netns_do(rules);
  char *was = netns_listed(list);
  tst_ready();
  TST_SPOIL netns_do("nft flush chain inet kept early; nft delete ct timeout inet kept brief");
  netns_same(was, list);
  return tst_pass();
}
