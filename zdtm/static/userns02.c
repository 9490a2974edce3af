// zdtm: {"category": "ns", "verifies": "who may not change their groups keeps those that they came with, and one without maps is nobody", "needs": ["root"]}
#include "userns.h"

static tst_step *left, *mapped, *ready, *go;

static int stays(const char *who) {
  userns_self was = userns_who();
  tst_raise(ready);
  tst_await(go, 1);
  TST_SPOIL was.count++;
  userns_same(&was, who);
  return 0;
}

static int denied(void *argument) {
  (void)argument;
  gid_t groups[] = {7, 8};
  tst_sys(setgroups(2, groups));
  userns_leave(0, left, mapped, 1);
  tst_check(setgroups(0, NULL) && errno == EPERM, "groups can be changed");
  return stays("one who may not change groups");
}

static int nobody(void *argument) {
  (void)argument;
  tst_sys(unshare(CLONE_NEWUSER));
  return stays("nobody");
}

int main(void) {
  tst_begin();
  left = tst_new_step(), mapped = tst_new_step(), ready = tst_new_step(), go = tst_new_step();
  pid_t one = tst_child(denied, NULL), other = tst_child(nobody, NULL);
  tst_await(left, 1);
  userns_write(one, "setgroups", "deny");
  userns_map(one, "0 1000 10\n", "0 0 10\n");
  tst_set(mapped, 1);
  tst_await(ready, 2);
  tst_ready();
  tst_set(go, 1);
  tst_check(tst_reap(one) == 0 && tst_reap(other) == 0, "a child failed");
  return tst_pass();
}
