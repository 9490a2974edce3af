// zdtm: {"category": "bpf", "needs": ["root"], "refused": "a BPF map is used by the loaded BPF program \\d+[^]*detach the program", "verifies": "a BPF map that a loaded program works with is told by the program's id"}
#include "bpf_map.h"

int main(void) {
  tst_begin();
  int map = bpf_make(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, "shared");
  struct bpf_insn code[] = {
      {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map},
      {0},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K},
      {.code = BPF_JMP | BPF_EXIT},
  };
  union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = (uintptr_t)code, .license = (uintptr_t)"GPL"};
  attr.insn_cnt = sizeof(code) / sizeof(code[0]);
  int program = (int)tst_sys(bpf_call(BPF_PROG_LOAD, &attr));
  uint32_t key = 0;
  uint64_t word = 7;
  tst_sys(bpf_put(map, &key, &word));
  tst_ready();
  TST_SPOIL bpf_put(map, &key, &(uint64_t){8});
  tst_check(bpf_get(map, &key, &word) == 0 && word == 7, "the map holds %lu", (unsigned long)word);
  tst_sys(fcntl(program, F_GETFD));
  return tst_pass();
}
