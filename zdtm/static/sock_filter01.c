// zdtm: {"category": "sockets-other", "verifies": "a filter of four instructions stays on TCP and raw sockets", "needs": ["net"]}
#include "sockfilter.h"

static const struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_IFINDEX),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 0xffff),
    BPF_STMT(BPF_RET | BPF_K, 0)};

int main(void) {
  tst_begin();
  inet_name name;
  size_t count = sizeof(code) / sizeof(code[0]);
  int listener = inet_bound(AF_INET, SOCK_STREAM, &name), raw = tst_sys(socket(AF_INET, SOCK_RAW, 253));
  tst_sys(listen(listener, 3));
  filter_put(listener, code, count);
  filter_put(raw, code, count);
  tst_ready();
  TST_SPOIL inet_set(raw, SOL_SOCKET, SO_DETACH_FILTER, 0);
  filter_check(listener, code, count);
  filter_check(raw, code, count);
  return tst_pass();
}
