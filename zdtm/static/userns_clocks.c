// zdtm: {"category": "ns", "needs": ["root"], "verifies": "time and cgroup namespaces that belong to a user namespace inside of the tree's belong to it again"}
#include "userns.h"

#include <linux/nsfs.h>
#include <sys/ioctl.h>

static tst_step *left, *mapped, *ready, *go;

static long seconds(void) {
  struct timespec now;
  tst_sys(clock_gettime(CLOCK_MONOTONIC, &now));
  return now.tv_sec;
}

static ino_t owner(const char *name) {
  char path[64];
  struct stat is;
  snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
  int fd = tst_sys(open(path, O_RDONLY)), user = ioctl(fd, NS_GET_USERNS);
  close(fd);
  /* that of somebody above */
  if (user < 0) return 0;
  tst_sys(fstat(user, &is));
  close(user);
  return is.st_ino;
}

/* Ahead by a day, in namespaces that it made itself. */
static int lives(void *unused) {
  (void)unused;
  userns_leave(0, left, mapped, 1);
  long before = seconds();
  tst_sys(unshare(CLONE_NEWTIME | CLONE_NEWCGROUP));
  int fd = tst_sys(open("/proc/self/timens_offsets", O_WRONLY));
  tst_sys(write(fd, "monotonic 86400 0\n", 18));
  close(fd);
  fd = tst_sys(open("/proc/self/ns/time_for_children", O_RDONLY));
  tst_sys(setns(fd, CLONE_NEWTIME));
  close(fd);
  tst_raise(ready);
  tst_await(go, 1);
  TST_SPOIL before += 100000;
  long now = seconds();
  tst_check(now >= before + 86400 && now < before + 100000, "the clock went from %ld to %ld", before, now);
  ino_t own = userns_inode("/proc/self/ns/user", 0);
  tst_check(owner("time") == own, "its clocks belong to somebody else");
  tst_check(owner("cgroup") == own, "its cgroup namespace belongs to somebody else");
  tst_check(owner("uts") != own, "the name of the host is its own");
  return 0;
}

int main(void) {
  tst_begin();
  if (access("/proc/self/ns/time", F_OK)) tst_skip("this kernel has no time namespaces");
  left = tst_new_step(), mapped = tst_new_step(), ready = tst_new_step(), go = tst_new_step();
  pid_t child = tst_child(lives, NULL);
  tst_await(left, 1);
  userns_map(child, "0 0 10\n", "0 0 10\n");
  tst_set(mapped, 1);
  tst_await(ready, 1);
  tst_ready();
  tst_set(go, 1);
  tst_check(tst_reap(child) == 0, "who lives inside is wrong");
  return tst_pass();
}
