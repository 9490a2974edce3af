// zdtm: {"category": "creds", "verifies": "a user that kept capabilities over setuid has exactly these, and can use them"}
#include "tst.h"

#include <linux/capability.h>

int main(void) {
  tst_begin();
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct was[2] = {{0}}, is[2];
  tst_sys(prctl(PR_SET_KEEPCAPS, 1));
  tst_sys(setresgid(700, 700, 700));
  tst_sys(setresuid(700, 700, 700));
  was[0].permitted = was[0].effective = 1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE;
  was[0].permitted |= 1 << CAP_SYS_NICE;
  tst_sys(syscall(SYS_capset, &header, was));
  tst_ready();
  TST_SPOIL {
    was[0].permitted &= ~(1u << CAP_SYS_NICE);
    tst_sys(syscall(SYS_capset, &header, was));
    was[0].permitted |= 1u << CAP_SYS_NICE;
  }
  tst_sys(syscall(SYS_capget, &header, is));
  tst_check(!memcmp(was, is, sizeof(was)), "the sets are %x %x %x", is[0].effective, is[0].permitted, is[0].inheritable);
  int fd = tst_sys(open("given", O_WRONLY | O_CREAT, 0600));
  tst_check(fchown(fd, 800, 800) == 0, "the task cannot give its file away: %s", strerror(errno));
  tst_check(setuid(0) == -1 && errno == EPERM, "the task can become root");
  return tst_pass();
}
