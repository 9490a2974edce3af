// zdtm: {"category": "ns", "verifies": "tasks in a user namespace inside of their parent's are who they were, from inside and from outside, with what they may", "needs": ["root"]}
#include "userns.h"

static tst_step *left, *mapped, *ready, *go, *done;

static int stays(const char *who) {
  userns_self was = userns_who();
  tst_raise(ready);
  tst_await(go, 1);
  TST_SPOIL if (was.uid[0] == 0) tst_sys(setresuid(1, 1, 1));
  userns_same(&was, who);
  tst_raise(done);
  return 0;
}

static int user(void *argument) {
  (void)argument;
  gid_t groups[] = {4, 5, 21};
  tst_sys(setgroups(3, groups));
  tst_sys(setresgid(3, 3, 4));
  tst_sys(setresuid(5, 5, 6));
  return stays("a user");
}

static int careful(void *argument) {
  (void)argument;
  tst_sys(prctl(PR_SET_SECUREBITS, 0x10 /* KEEP_CAPS */));
  tst_sys(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME));
  tst_sys(setresuid(22, 22, 22));
  return stays("one who keeps capabilities");
}

static int chief(void *argument) {
  userns_leave(0, left, mapped, 1);
  pid_t one = tst_child(user, argument), other = tst_child(careful, argument);
  stays("the root");
  tst_reap(one);
  tst_reap(other);
  /* it may in its own namespace what root may */
  tst_sys(setresuid(20, 20, 20));
  return 0;
}

int main(void) {
  tst_begin();
  left = tst_new_step(), mapped = tst_new_step(), ready = tst_new_step(), go = tst_new_step(), done = tst_new_step();
  pid_t pid = tst_child(chief, NULL);
  char link[64];
  tst_await(left, 1);
  userns_map(pid, "0 1000 10\n20 3000 5\n", "0 2000 10\n20 4000 5\n");
  tst_set(mapped, 1);
  tst_await(ready, 3);
  tst_ready();
  ino_t home = userns_inode("/proc/self/ns/user", 0);
  snprintf(link, sizeof(link), "/proc/%d/ns/user", pid);
  tst_check(userns_inode(link, 0) != home, "the child lives in our own user namespace");
  tst_check(userns_inode(link, USERNS_PARENT) == home, "the child's namespace was not made in ours");
  tst_check(tst_status(pid, "Uid", 10) == 1000, "the child's root is %ld for us", tst_status(pid, "Uid", 10));
  tst_set(go, 1);
  tst_await(done, 3);
  tst_check(tst_reap(pid) == 0, "the child failed");
  return tst_pass();
}
