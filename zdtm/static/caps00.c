// zdtm: {"category": "creds", "verifies": "the effective, permitted, inheritable and bounding sets of a child come back, and the parent's are its own"}
#include "tst.h"

#include <linux/capability.h>

static tst_step *step;
static int bounding[37];

static void read_sets(struct __user_cap_data_struct *sets) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  tst_sys(syscall(SYS_capget, &header, sets));
}

static int reduced(void *unused) {
  (void)unused;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct was[2], is[2];
  for (int cap = 5; cap < 37; cap += 3) tst_sys(prctl(PR_CAPBSET_DROP, cap));
  for (int cap = 0; cap < 37; cap++) bounding[cap] = tst_sys(prctl(PR_CAPBSET_READ, cap));
  tst_check(!bounding[5] && bounding[0], "the bounding set cannot be reduced");
  read_sets(was);
  was[0].inheritable = 0x00000481;
  was[0].effective &= 0x000034e1;
  was[0].permitted &= 0x0000f7e1;
  was[1].effective = 0;
  was[1].permitted &= 0x1;
  tst_sys(syscall(SYS_capset, &header, was));
  tst_set(step, 1);
  tst_await(step, 2);
  read_sets(is);
  tst_check(!memcmp(was, is, sizeof(was)), "the sets are %x %x %x, not %x %x %x", is[0].effective, is[0].permitted,
            is[0].inheritable, was[0].effective, was[0].permitted, was[0].inheritable);
  for (int cap = 0; cap < 37; cap++)
    tst_check(prctl(PR_CAPBSET_READ, cap) == bounding[cap], "bounding set: %d", cap);
  TST_SPOIL tst_check(prctl(PR_CAPBSET_READ, 5), "spoiled");
  tst_set(step, 3);
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_child(reduced, NULL);
  tst_await(step, 1);
  struct __user_cap_data_struct was[2], is[2];
  read_sets(was);
  tst_ready();
  read_sets(is);
  tst_check(!memcmp(was, is, sizeof(was)), "the parent's sets have changed");
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
