// zdtm: {"category": "memory", "verifies": "a stack that has grown deep keeps its frames, returns through them and grows on"}
#include "tst.h"

static int depth_of_check;

static uint32_t __attribute__((noinline)) dive(int depth, uint32_t sum) {
  volatile uint32_t frame[256];
  for (int i = 0; i < 256; i++) frame[i] = sum + (uint32_t)(depth * i);
  uint32_t below;
  if (depth == depth_of_check) {
    tst_ready();
    TST_SPOIL frame[77] ^= 1;
    below = 0;
  } else below = dive(depth + 1, sum * 31 + 7);
  uint32_t total = below;
  for (int i = 0; i < 256; i++) {
    tst_check(frame[i] == sum + (uint32_t)(depth * i), "frame %d is wrong", depth);
    total += frame[i];
  }
  return total;
}

static int __attribute__((noinline)) deeper(int depth) {
  volatile char frame[4096];
  frame[depth & 4095] = 1;
  return depth ? deeper(depth - 1) + frame[depth & 4095] : 0;
}

int main(void) {
  tst_begin();
  depth_of_check = 2000; /* 2 MiB of stack */
  dive(0, 1);
  tst_check(deeper(1200) == 1200, "the stack does not grow to 5 MiB");
  return tst_pass();
}
