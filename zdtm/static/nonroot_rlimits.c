// zdtm: {"category": "creds", "verifies": "a user without CAP_SYS_RESOURCE keeps lowered limits, hard ones too, and cannot raise them afterwards"}
#include "tst.h"

#include <sys/resource.h>

int main(void) {
  tst_begin();
  static const struct {
    int what;
    struct rlimit limit;
  } limits[] = {{RLIMIT_NOFILE, {37, 41}},     {RLIMIT_CORE, {0, 0}},          {RLIMIT_FSIZE, {12345, 99999}},
                {RLIMIT_STACK, {3 << 20, 5 << 20}}, {RLIMIT_NPROC, {8000, 9000}}, {RLIMIT_SIGPENDING, {17, 19}},
                {RLIMIT_MEMLOCK, {4096, 8192}}};
  enum { COUNT = sizeof(limits) / sizeof(limits[0]) };
  for (int i = 0; i < COUNT; i++) tst_sys(setrlimit(limits[i].what, &limits[i].limit));
  tst_sys(setresgid(4322, 4322, 4322));
  tst_sys(setresuid(4321, 4321, 4321));
  tst_ready();
  struct rlimit is, more = {100, 100};
  TST_SPOIL tst_sys(setrlimit(RLIMIT_NOFILE, &(struct rlimit){37, 40}));
  for (int i = 0; i < COUNT; i++) {
    tst_sys(getrlimit(limits[i].what, &is));
    tst_check(is.rlim_cur == limits[i].limit.rlim_cur && is.rlim_max == limits[i].limit.rlim_max,
              "limit %d is %lu of %lu", limits[i].what, (unsigned long)is.rlim_cur, (unsigned long)is.rlim_max);
  }
  tst_check(setrlimit(RLIMIT_NOFILE, &more) == -1 && errno == EPERM, "the limit can be raised");
  return tst_pass();
}
