// zdtm: {"category": "bpf", "needs": ["root"], "verifies": "BPF arrays keep name, sizes, flags and values, and stay frozen"}
#include "bpf_map.h"

enum { ENTRIES = 300 };

int main(void) {
  tst_begin();
  int map = bpf_make(BPF_MAP_TYPE_ARRAY, 4, 20, ENTRIES, BPF_F_MMAPABLE, "places"), fixed = bpf_make(BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0, "ice");
  uint8_t value[20], got[20];
  for (uint32_t i = 0; i < ENTRIES; i += 3) {
    memset(value, (int)i + 1, sizeof(value));
    tst_sys(bpf_put(map, &i, value));
  }
  uint32_t third = 3, second = 2;
  uint64_t word = 0x123456789abcdef0, seen = 0;
  tst_sys(bpf_put(fixed, &third, &word));
  tst_sys(bpf_freeze(fixed));
  struct bpf_map_info was = bpf_info(map), cold = bpf_info(fixed);
  tst_ready();
  TST_SPOIL tst_sys(bpf_put(map, &third, value));
  bpf_same(map, was);
  bpf_same(fixed, cold);
  for (uint32_t i = 0; i < ENTRIES; i++) {
    memset(value, i % 3 ? 0 : (int)i + 1, sizeof(value));
    tst_sys(bpf_get(map, &i, got));
    tst_check(memcmp(got, value, sizeof(got)) == 0, "place %u has another value", i);
  }
  tst_check(bpf_get(fixed, &third, &seen) == 0 && seen == word, "the frozen map holds %lx", (long)seen);
  tst_check(bpf_put(fixed, &second, &word) < 0 && errno == EPERM, "it is not frozen any more");
  tst_sys(bpf_put(map, &second, value));
  return tst_pass();
}
