// zdtm: {"category": "bpf", "needs": ["root"], "verifies": "BPF hashes keep name, sizes, flags, keys and values; descriptions of one map are of one map again, with what each may do"}
#include "bpf_map.h"

enum { ENTRIES = 700 };

struct value {
  uint64_t word;
  char text[13];
};

static struct value at(uint32_t i) {
  struct value value;
  memset(&value, (int)i, sizeof(value));
  value.word = i * 0x9e3779b97f4a7c15u;
  return value;
}

int main(void) {
  tst_begin();
  int map = bpf_make(BPF_MAP_TYPE_HASH, 6, sizeof(struct value), 2 * ENTRIES, BPF_F_NO_PREALLOC, "some_names");
  int empty = bpf_make(BPF_MAP_TYPE_HASH, 3, 5, 10, 0, "nothing");
  for (uint32_t i = 0; i < ENTRIES; i++) {
    char key[7];
    snprintf(key, sizeof(key), "k%05u", i);
    struct value value = at(i);
    tst_sys(bpf_put(map, key, &value));
  }
  int reader = bpf_again(map, BPF_F_RDONLY), writer = bpf_again(map, BPF_F_WRONLY), twin = tst_sys(dup(map));
  struct bpf_map_info was = bpf_info(map), none = bpf_info(empty);
  tst_ready();
  TST_SPOIL tst_sys(bpf_put(map, "k00033", &(struct value){.word = 1}));
  bpf_same(map, was);
  bpf_same(empty, none);
  struct value got;
  for (uint32_t i = 0; i < ENTRIES; i++) {
    char key[7];
    snprintf(key, sizeof(key), "k%05u", i);
    struct value value = at(i);
    tst_check(bpf_get(reader, key, &got) == 0, "the key %s is gone", key);
    tst_check(memcmp(&got, &value, sizeof(got)) == 0, "the key %s has another value", key);
  }
  tst_check(bpf_get(map, "k00700", &got) < 0 && errno == ENOENT, "a key too many");
  tst_check(bpf_put(reader, "k00001", &got) < 0 && errno == EPERM, "what was for reading writes");
  tst_check(bpf_get(writer, "k00001", &got) < 0 && errno == EPERM, "what was for writing reads");
  got.word = 42;
  tst_sys(bpf_put(writer, "other!", &got));
  got.word = 0;
  tst_check(bpf_get(twin, "other!", &got) == 0 && got.word == 42, "one map has become two");
  tst_check(bpf_get(empty, "abc", &got) < 0 && errno == ENOENT, "the empty map is not empty");
  return tst_pass();
}
