// zdtm: {"category": "creds", "verifies": "threads of one process keep capability sets, securebits and no_new_privs of their own"}
#include "tst.h"

#include <linux/capability.h>
#include <linux/securebits.h>

static tst_step *step;

static void *other(void *unused) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct was[2], is[2];
  tst_sys(syscall(SYS_capget, &header, was));
  was[0].effective = was[0].permitted &= ~(1u << CAP_NET_RAW | 1u << CAP_SYS_TIME);
  was[0].inheritable = 1 << CAP_CHOWN;
  tst_sys(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_KEEP_CAPS));
  tst_sys(syscall(SYS_capset, &header, was));
  tst_sys(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  tst_set(step, 1);
  tst_await(step, 2);
  tst_sys(syscall(SYS_capget, &header, is));
  tst_check(!memcmp(was, is, sizeof(was)), "the thread's sets are %x %x %x", is[0].effective, is[0].permitted,
            is[0].inheritable);
  tst_check(prctl(PR_GET_SECUREBITS) == (SECBIT_NOROOT | SECBIT_KEEP_CAPS), "the thread's securebits are %x",
            prctl(PR_GET_SECUREBITS));
  tst_check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "the thread may gain privileges");
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct was[2], is[2];
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  tst_sys(syscall(SYS_capget, &header, was));
  tst_ready();
  TST_SPOIL tst_sys(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
  tst_sys(syscall(SYS_capget, &header, is));
  tst_check(!memcmp(was, is, sizeof(was)), "the leader's sets are %x %x %x", is[0].effective, is[0].permitted,
            is[0].inheritable);
  tst_check(prctl(PR_GET_SECUREBITS) == 0, "the leader's securebits are %x", prctl(PR_GET_SECUREBITS));
  tst_check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0, "the leader may not gain privileges");
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
