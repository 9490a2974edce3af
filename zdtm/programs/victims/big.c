/* Memory in use: as many MiB as the first word says, every byte of it told by its place; sums are checked on demand. */
#include "wire.h"

#include <sys/mman.h>

/* The well-known 64-bit finalizer of MurmurHash3: neighbours look unlike each other, so that nothing can be packed. */
static uint64_t mixed(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

int main(int count, char **words) {
  size_t bytes = (size_t)(count > 1 ? atol(words[1]) : 64) << 20, many = bytes / 8;
  uint64_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  /* a fault for each page of a million takes as long as all the rest */
  madvise(memory, bytes, MADV_HUGEPAGE);
  wire_open();
  for (size_t i = 0; i < many; i++) memory[i] = mixed(i + 1);
  answer("ready");
  for (;;) {
    wire_next();
    size_t wrong = 0;
    for (size_t i = 0; i < many; i++) wrong += memory[i] != mixed(i + 1);
    answer("%zu MiB, %zu wrong", bytes >> 20, wrong);
  }
}
