// zdtm: {"category": "creds", "verifies": "a thread keeps users, groups and supplementary groups other than its leader's"}
#include "tst.h"

static tst_step *step;

static void *other(void *unused) {
  gid_t list[] = {11, 22, 33}, is[8];
  /* The C library would change all threads. */
  tst_sys(syscall(SYS_setgroups, 3, list));
  tst_sys(syscall(SYS_setresgid, 501, 502, 503));
  tst_sys(syscall(SYS_setresuid, 601, 602, 603));
  tst_set(step, 1);
  tst_await(step, 2);
  uid_t r, e, s;
  tst_sys(syscall(SYS_getresuid, &r, &e, &s));
  tst_check(r == 601 && e == 602 && s == 603, "the thread's users are %d %d %d", r, e, s);
  tst_sys(syscall(SYS_getresgid, &r, &e, &s));
  tst_check(r == 501 && e == 502 && s == 503, "the thread's groups are %d %d %d", r, e, s);
  tst_check(getgroups(8, is) == 3 && !memcmp(is, list, sizeof(list)), "the thread's other groups are wrong");
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL tst_sys(syscall(SYS_setresgid, 1, 1, 1));
  uid_t r, e, s;
  tst_sys(syscall(SYS_getresuid, &r, &e, &s));
  tst_check(r == 0 && e == 0 && s == 0, "the leader's users are %d %d %d", r, e, s);
  tst_sys(syscall(SYS_getresgid, &r, &e, &s));
  tst_check(r == 0 && e == 0 && s == 0, "the leader's groups are %d %d %d", r, e, s);
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
