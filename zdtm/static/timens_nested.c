// zdtm: {"category": "time", "needs": ["root"], "verifies": "tasks in time namespaces of their own come back into these, with clocks that go on"}
#include "pidns.h"

static tst_step *ready, *go;
static pid_t *pids;

static long seconds(void) {
  struct timespec now;
  tst_sys(clock_gettime(CLOCK_MONOTONIC, &now));
  return now.tv_sec;
}

static void ahead(long by) {
  char text[64];
  int fd = tst_sys(open("/proc/self/timens_offsets", O_WRONLY));
  int length = snprintf(text, sizeof(text), "monotonic %ld 0\n", by);
  tst_sys(write(fd, text, (size_t)length));
  close(fd);
}

/* A child of whoever has unshared it lives there. */
static int lives(void *argument) {
  long began = seconds(), *told = argument;
  tst_check(pidns_of(getpid(), "time") == pidns_of(getpid(), "time_for_children"), "its children are born elsewhere");
  tst_raise(ready);
  tst_await(go, 1);
  TST_SPOIL began += 100000;
  *told = seconds();
  tst_check(*told >= began && *told < began + 50000, "the clock went from %ld to %ld", began, *told);
  return 0;
}

/* It enters what its child lives in. */
static int enters(void *argument) {
  tst_sys(unshare(CLONE_NEWTIME));
  ahead(100000);
  pid_t child = pids[0] = tst_child(lives, argument);
  int fd = tst_sys(open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC));
  tst_sys(setns(fd, CLONE_NEWTIME));
  close(fd);
  tst_raise(ready);
  tst_await(go, 1);
  return tst_reap(child);
}

/* It stays outside, and so do those who were born before. */
static int stays(void *argument) {
  long *told = argument;
  pid_t before = pids[1] = tst_child(lives, told);
  tst_sys(unshare(CLONE_NEWTIME));
  ahead(300000);
  pid_t behind = pids[2] = tst_child(lives, told + 1);
  tst_raise(ready);
  tst_await(go, 1);
  return tst_reap(before) || tst_reap(behind);
}

int main(void) {
  tst_begin();
  ready = tst_new_step();
  go = tst_new_step();
  if (!pidns_of(getpid(), "time")) tst_skip("this kernel has no time namespaces");
  long *told = tst_shared(tst_page());
  pids = tst_shared(tst_page());
  pid_t first = tst_child(enters, told), second = tst_child(stays, told + 1);
  tst_await(ready, 5);
  tst_ready();
  ino_t own = pidns_of(getpid(), "time");
  ino_t theirs = pidns_of(first, "time"), next = pidns_of(second, "time_for_children");
  tst_check(theirs != own && theirs == pidns_of(pids[0], "time"), "who entered does not live with its child");
  tst_check(pidns_of(second, "time") == own && pidns_of(pids[1], "time") == own, "who stayed lives elsewhere");
  tst_check(next != own && next != theirs && next == pidns_of(pids[2], "time"), "the last child was born elsewhere");
  tst_set(go, 1);
  tst_check(tst_reap(first) == 0 && tst_reap(second) == 0, "one of them fails");
  long now = seconds();
  tst_check(told[1] <= now && told[1] > now - 50000, "the clock of one who stayed is at %ld, ours at %ld", told[1], now);
  tst_check(told[0] > now + 50000 && told[0] < now + 150000, "the first clock is at %ld, ours at %ld", told[0], now);
  tst_check(told[2] > now + 250000 && told[2] < now + 350000, "the second clock is at %ld, ours at %ld", told[2], now);
  return tst_pass();
}
