// zdtm: {"category": "creds", "verifies": "the ambient set comes back, of root and of another user"}
#include "tst.h"

#include <linux/capability.h>

static tst_step *step;

static void raise_some(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  tst_sys(syscall(SYS_capget, &header, sets));
  sets[0].inheritable |= 1 << CAP_KILL | 1 << CAP_NET_RAW | 1 << CAP_CHOWN;
  sets[0].effective = sets[0].permitted;
  tst_sys(syscall(SYS_capset, &header, sets));
  tst_sys(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
  tst_sys(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
}

static void verify(const char *who) {
  for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
    int is = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0);
    tst_check(is == (cap == CAP_KILL || cap == CAP_NET_RAW), "%s: capability %d is %d", who, cap, is);
  }
}

static int user(void *unused) {
  (void)unused;
  tst_sys(prctl(PR_SET_KEEPCAPS, 1));
  tst_sys(setresgid(1000, 1000, 1000));
  tst_sys(setresuid(1000, 1000, 1000));
  raise_some();
  tst_set(step, 1);
  tst_await(step, 2);
  verify("the user");
  tst_set(step, 3);
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_child(user, NULL);
  tst_await(step, 1);
  raise_some();
  tst_ready();
  TST_SPOIL prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  verify("root");
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
