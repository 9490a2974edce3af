// zdtm: {"category": "arch-regs", "needs": ["arch:x64", "cpu:amx_tile"], "spoils": true, "verifies": "the eight tiles of AMX and their configuration keep their values in a thread that uses them; another that may use them and does not, may still"}
#include "hold.h"

#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA 18
#define TILES 8
#define TILE 1024

/* LDTILECFG's operand: palette 1, eight tiles of 16 rows of 64 bytes */
static void configuration(uint8_t *config) {
  memset(config, 0, 64);
  config[0] = 1;
  for (int i = 0; i < TILES; i++) {
    config[16 + 2 * i] = 64;
    config[48 + i] = 16;
  }
}

static void leave(void) {
  if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)) tst_skip("no leave to use AMX: %s", strerror(errno));
}

static void use_tiles(void) {
  uint8_t *in = aligned_alloc(64, TILES * TILE), *out = aligned_alloc(64, TILES * TILE);
  uint8_t config[64] __attribute__((aligned(64))), after[64] __attribute__((aligned(64)));
  tst_fill(in, TILES * TILE, (uint32_t)syscall(SYS_gettid));
  memset(out, 0, TILES * TILE);
  configuration(config);
  hold_loaded();
  HOLD_INPUTS;
  register uint8_t *from asm("r12") = in, *to asm("r13") = out;
  register uint8_t *left asm("r9") = after;
  register long stride asm("r8") = 64;
  asm volatile(
      "ldtilecfg (%%rbx)\n"
      "tileloadd 0(%%r12,%%r8,1), %%tmm0\n"
      "tileloadd 1024(%%r12,%%r8,1), %%tmm1\n"
      "tileloadd 2048(%%r12,%%r8,1), %%tmm2\n"
      "tileloadd 3072(%%r12,%%r8,1), %%tmm3\n"
      "tileloadd 4096(%%r12,%%r8,1), %%tmm4\n"
      "tileloadd 5120(%%r12,%%r8,1), %%tmm5\n"
      "tileloadd 6144(%%r12,%%r8,1), %%tmm6\n"
      "tileloadd 7168(%%r12,%%r8,1), %%tmm7\n"
      HOLD_ASM
      "tilestored %%tmm0, 0(%%r13,%%r8,1)\n"
      "tilestored %%tmm1, 1024(%%r13,%%r8,1)\n"
      "tilestored %%tmm2, 2048(%%r13,%%r8,1)\n"
      "tilestored %%tmm3, 3072(%%r13,%%r8,1)\n"
      "tilestored %%tmm4, 4096(%%r13,%%r8,1)\n"
      "tilestored %%tmm5, 5120(%%r13,%%r8,1)\n"
      "tilestored %%tmm6, 6144(%%r13,%%r8,1)\n"
      "tilestored %%tmm7, 7168(%%r13,%%r8,1)\n"
      "sttilecfg (%%r9)\n"
      "tilerelease\n"
      :
      : HOLD_OPERANDS, "r"(from), "r"(to), "b"(config), "r"(stride), "r"(left)
      : HOLD_CLOBBERS);
  TST_SPOIL out[3000] ^= 1;
  hold_same(out, in, TILES * TILE, "tiles");
  hold_same(after, config, 64, "configuration");
}

static int users;

static void hold(int in_thread) {
  (void)in_thread;
  if (__atomic_fetch_add(&users, 1, __ATOMIC_SEQ_CST) == 0) {
    use_tiles();
    return;
  }
  hold_loaded();
  tst_await(&hold_shared->go, 1);
  uint8_t config[64] __attribute__((aligned(64)));
  uint8_t tile[TILE] __attribute__((aligned(64)));
  configuration(config);
  memset(tile, 7, sizeof(tile));
  register long stride asm("r8") = 64;
  register uint8_t *from asm("r12") = tile;
  asm volatile("ldtilecfg (%%rbx)\ntileloadd (%%r12,%%r8,1), %%tmm0\ntilerelease\n" ::"b"(config), "r"(stride), "r"(from)
               : "memory");
}

int main(void) {
  leave();
  return hold_case(hold, 2);
}
