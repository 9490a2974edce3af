// zdtm: {"category": "ns", "verifies": "who may not change their groups keeps those that they came with, and one without maps is nobody", "needs": ["root"]}
#include "userns.h"

static tst_step *left, *mapped, *ready, *go;
static ino_t *home;

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

/* Born before its parent left. */
static int witness(void *argument) {
  (void)argument;
  tst_raise(ready);
  tst_await(go, 1);
  tst_check(userns_inode("/proc/self/ns/user", 0) == *home, "a child followed its parent");
  return 0;
}

static int leaves(void *argument) {
  pid_t pid = tst_child(witness, argument);
  tst_sys(unshare(CLONE_NEWUSER));
  stays("one who left a child behind");
  tst_check(userns_inode("/proc/self/ns/user", 0) != *home, "it did not leave");
  return tst_reap(pid);
}

int main(void) {
  tst_begin();
  left = tst_new_step(), mapped = tst_new_step(), ready = tst_new_step(), go = tst_new_step();
  home = tst_shared(tst_page());
  pid_t one = tst_child(denied, NULL), other = tst_child(nobody, NULL), third = tst_child(leaves, NULL);
  tst_await(left, 1);
  userns_write(one, "setgroups", "deny");
  userns_map(one, "0 1000 10\n", "0 0 10\n");
  tst_set(mapped, 1);
  tst_await(ready, 4);
  tst_ready();
  *home = userns_inode("/proc/self/ns/user", 0);
  tst_set(go, 1);
  tst_check(tst_reap(one) == 0 && tst_reap(other) == 0 && tst_reap(third) == 0, "a child failed");
  return tst_pass();
}
