// zdtm: {"category": "netns", "verifies": "an interface with an XDP program is refused, and keeps it", "needs": ["root", "file:/usr/sbin/ip"], "refused": "an interface has an XDP program"}
#include "netns.h"

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/* A program that passes all. */
static int program(void) {
  struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS}, {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_XDP, .insn_cnt = 2};
  load.insns = (uintptr_t)code;
  load.license = (uintptr_t) "GPL";
  int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
  if (fd < 0) tst_skip("no program of bpf can be loaded");
  return fd;
}

/* Puts it before the loopback interface; -1: takes it away. */
static void attach(int fd) {
  struct {
    struct nlmsghdr head;
    struct ifinfomsg link;
    struct nlattr xdp, inner;
    int32_t fd;
  } ask = {{sizeof(ask), RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0}, {.ifi_index = 1}, {12, IFLA_XDP | NLA_F_NESTED}, {8, IFLA_XDP_FD}, fd};
  struct {
    struct nlmsghdr head;
    struct nlmsgerr error;
    char more[256];
  } answer;
  int socket_fd = tst_sys(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  tst_sys(send(socket_fd, &ask, sizeof(ask), 0));
  tst_sys(recv(socket_fd, &answer, sizeof(answer), 0));
  if (answer.error.error) tst_skip("the program cannot stand before lo: %d", answer.error.error);
  close(socket_fd);
}

int main(void) {
  tst_begin();
  netns_leave();
  int fd = program();
  attach(fd);
  close(fd);
  tst_ready();
  TST_SPOIL attach(-1);
  tst_check(netns_says("ip link show lo | grep -q xdp") == 0, "the program is gone");
  return tst_pass();
}
