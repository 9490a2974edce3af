// zdtm: {"category": "creds", "verifies": "securebits and their locks come back, and work: a task without root's magic gains nothing by exec"}
#include "tst.h"

#include <linux/securebits.h>

static tst_step *step;
static const int bits[] = {SECBIT_NOROOT | SECBIT_NOROOT_LOCKED,
                           SECBIT_NO_SETUID_FIXUP,
                           SECBIT_KEEP_CAPS | SECBIT_KEEP_CAPS_LOCKED,
                           SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_SETUID_FIXUP_LOCKED};

static int child(void *number) {
  int nth = (int)(intptr_t)number;
  tst_sys(prctl(PR_SET_SECUREBITS, bits[nth]));
  tst_set(step, nth + 1);
  tst_await(step, 100);
  TST_SPOIL if (nth == 1) tst_sys(prctl(PR_SET_SECUREBITS, 0));
  tst_check(prctl(PR_GET_SECUREBITS) == bits[nth], "the securebits are %x, not %x", prctl(PR_GET_SECUREBITS), bits[nth]);
  if (nth == 0) tst_check(prctl(PR_SET_SECUREBITS, 0) == -1 && errno == EPERM, "the lock of the securebits is open");
  return 7;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pid_t pids[4];
  for (int i = 0; i < 4; i++) {
    pids[i] = tst_child(child, (void *)(intptr_t)i);
    tst_await(step, i + 1);
  }
  tst_ready();
  tst_set(step, 100);
  for (int i = 0; i < 4; i++) tst_check(WEXITSTATUS(tst_reap(pids[i])) == 7, "child %d", i);
  tst_check(prctl(PR_GET_SECUREBITS) == 0, "the parent has securebits %x", prctl(PR_GET_SECUREBITS));
  return tst_pass();
}
