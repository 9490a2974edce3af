// zdtm: {"category": "sockets-other", "verifies": "a filter of 14 instructions stays on UDP and unix sockets, locked too, and lets pass what it did"}
#include "sockfilter.h"

/* At the socket a UDP datagram begins with its header of 8 bytes: those that begin with 'y' and one more letter pass. */
static const struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 10, 0, 11),
    BPF_STMT(BPF_ST, 3),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 8),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 'z', 6, 0),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 'a', 0, 5),
    BPF_STMT(BPF_LDX | BPF_MEM, 3),
    BPF_STMT(BPF_MISC | BPF_TXA, 0),
    BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 0xfffffff8),
    BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 8),
    BPF_STMT(BPF_RET | BPF_A, 0),
    BPF_STMT(BPF_RET | BPF_K, 0)};

int main(void) {
  tst_begin();
  inet_name name;
  char text[8];
  size_t count = sizeof(code) / sizeof(code[0]);
  int udp = inet_bound(AF_INET, SOCK_DGRAM, &name), from = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)), pair[2];
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  filter_put(udp, code, count);
  filter_put(pair[0], code, count);
  inet_set(pair[0], SOL_SOCKET, SO_LOCK_FILTER, 1);
  tst_ready();
  TST_SPOIL inet_set(udp, SOL_SOCKET, SO_DETACH_FILTER, 0);
  filter_check(udp, code, count);
  filter_check(pair[0], code, count);
  tst_check(inet_option(pair[0], SOL_SOCKET, SO_LOCK_FILTER) == 1, "the filter is not locked any more");
  tst_check(inet_option(udp, SOL_SOCKET, SO_LOCK_FILTER) == 0, "the filter is locked");
  tst_sys(sendto(from, "no", 2, 0, &name.any, sizeof(name.four)));
  tst_sys(sendto(from, "y0", 2, 0, &name.any, sizeof(name.four)));
  tst_sys(sendto(from, "yes", 3, 0, &name.any, sizeof(name.four)));
  tst_check(recv(udp, text, sizeof(text), MSG_DONTWAIT) == 3 && !memcmp(text, "yes", 3), "something else came through");
  tst_check(recv(udp, text, sizeof(text), MSG_DONTWAIT) == -1, "something more came through");
  return tst_pass();
}
