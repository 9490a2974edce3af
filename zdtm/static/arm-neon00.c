// zdtm: {"category": "arch-regs", "needs": ["arch:arm64"], "verifies": "the vector registers and the floating-point control register keep their values"}
#include "tst.h"

static tst_step *loaded, *go;

static int child(void *unused) {
  uint64_t in[64], out[64] = {0}, control = 0x00c00000, control_after; /* round towards zero */
  (void)unused;
  for (int i = 0; i < 64; i++) in[i] = 0x0123456789abcdefu * (uint64_t)(i + 1);
  tst_set(loaded, 1);
#ifdef __aarch64__
  register int *word asm("x0") = &go->value;
  register uint64_t *from asm("x19") = in, *to asm("x20") = out;
#define PAIRS(op, base)                                                              \
  op " q0, q1, [" base ", #0]\n" op " q2, q3, [" base ", #32]\n"                     \
  op " q4, q5, [" base ", #64]\n" op " q6, q7, [" base ", #96]\n"                    \
  op " q8, q9, [" base ", #128]\n" op " q10, q11, [" base ", #160]\n"                \
  op " q12, q13, [" base ", #192]\n" op " q14, q15, [" base ", #224]\n"              \
  op " q16, q17, [" base ", #256]\n" op " q18, q19, [" base ", #288]\n"              \
  op " q20, q21, [" base ", #320]\n" op " q22, q23, [" base ", #352]\n"              \
  op " q24, q25, [" base ", #384]\n" op " q26, q27, [" base ", #416]\n"              \
  op " q28, q29, [" base ", #448]\n" op " q30, q31, [" base ", #480]\n"
  asm volatile(
      "msr fpcr, %[control]\n"
      PAIRS("ldp", "x19")
      "mov x21, x0\n"
      "1: mov x0, x21\n mov x1, #0\n mov x2, #0\n mov x3, #0\n mov x8, #98\n svc #0\n"
      "ldr w4, [x21]\n cbz w4, 1b\n"
      PAIRS("stp", "x20")
      "mrs %[after], fpcr\n"
      "msr fpcr, xzr\n"
      : [after] "=&r"(control_after), "+r"(word)
      : [control] "r"(control), "r"(from), "r"(to)
      : "memory", "cc", "x1", "x2", "x3", "x4", "x8", "x21", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",
        "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
        "v26", "v27", "v28", "v29", "v30", "v31");
#else
  memcpy(out, in, sizeof(in));
  control_after = control;
#endif
  TST_SPOIL out[9] = 0;
  tst_check(!memcmp(in, out, sizeof(in)), "the vector registers have changed");
  tst_check(control_after == control, "the control register is %lx", (long)control_after);
  return 0;
}

int main(void) {
  tst_begin();
  loaded = tst_new_step();
  go = tst_new_step();
  pid_t pid = tst_child(child, NULL);
  tst_await(loaded, 1);
  tst_until(tst_state(pid) == 'S', "the child does not sleep");
  tst_ready();
  tst_set(go, 1);
  tst_check(tst_reap(pid) == 0, "the child has failed");
  return tst_pass();
}
