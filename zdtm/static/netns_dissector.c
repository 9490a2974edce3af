// zdtm: {"category": "netns", "verifies": "a program that takes packets of a network namespace apart (flow dissector) is refused, and keeps doing so", "needs": ["root"], "refused": "a program of bpf stands in the tree's network namespace"}
#include "netns.h"

#include <linux/bpf.h>
#include <sys/syscall.h>

static uint32_t programs(void) {
  int own = tst_sys(open("/proc/self/ns/net", O_RDONLY));
  union bpf_attr ask = {.query = {.target_fd = (uint32_t)own, .attach_type = BPF_FLOW_DISSECTOR}};
  tst_sys(syscall(SYS_bpf, BPF_PROG_QUERY, &ask, sizeof(ask)));
  close(own);
  return ask.query.prog_cnt;
}

int main(void) {
  tst_begin();
  netns_leave();
  struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = BPF_OK}, {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_FLOW_DISSECTOR, .insn_cnt = 2, .insns = (uintptr_t)code, .license = (uintptr_t) "GPL"};
  int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
  if (program < 0) tst_skip("no program of that kind can be loaded: %s", strerror(errno));
  union bpf_attr attach = {.attach_bpf_fd = (uint32_t)program, .attach_type = BPF_FLOW_DISSECTOR};
  if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach))) tst_skip("it cannot stand here: %s", strerror(errno));
  close(program);
  tst_ready();
  TST_SPOIL tst_sys(syscall(SYS_bpf, BPF_PROG_DETACH, &(union bpf_attr){.attach_type = BPF_FLOW_DISSECTOR}, sizeof(union bpf_attr)));
  tst_check(programs() == 1, "the program is gone");
  return tst_pass();
}
