// zdtm: {"category": "bpf", "needs": ["root"], "verifies": "BPF hashes that forget and tries of prefixes keep sizes, flags, keys and values"}
#include "bpf_map.h"

enum { ENTRIES = 60 };

struct prefix {
  uint32_t bits;
  uint8_t address[4];
};

static struct prefix prefix(uint8_t i) { return (struct prefix){.bits = 8 + i % 25, .address = {i, (uint8_t)(i * 3), 7, i}}; }

int main(void) {
  tst_begin();
  int lru = bpf_make(BPF_MAP_TYPE_LRU_HASH, 8, 4, 4 * ENTRIES, 0, "forgetful");
  int trie = bpf_make(BPF_MAP_TYPE_LPM_TRIE, sizeof(struct prefix), 8, 2 * ENTRIES, BPF_F_NO_PREALLOC, "routes");
  for (uint64_t i = 0; i < ENTRIES; i++) {
    uint32_t word = (uint32_t)i * 11;
    tst_sys(bpf_put(lru, &i, &word));
    struct prefix key = prefix((uint8_t)i);
    uint64_t route = i + 1000;
    tst_sys(bpf_put(trie, &key, &route));
  }
  struct bpf_map_info was = bpf_info(lru), routes = bpf_info(trie);
  tst_ready();
  TST_SPOIL {
    struct prefix key = prefix(8);
    tst_sys(bpf_put(trie, &key, &(uint64_t){5}));
  }
  bpf_same(lru, was);
  bpf_same(trie, routes);
  for (uint64_t i = 0; i < ENTRIES; i++) {
    uint32_t word = 0;
    tst_check(bpf_get(lru, &i, &word) == 0 && word == i * 11, "entry %lu is %u", (unsigned long)i, word);
    struct prefix key = prefix((uint8_t)i);
    uint64_t route = 0;
    tst_check(bpf_get(trie, &key, &route) == 0 && route == i + 1000, "prefix %lu leads to %lu", (unsigned long)i, (unsigned long)route);
  }
  return tst_pass();
}
