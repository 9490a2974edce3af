// zdtm: {"category": "ns", "verifies": "namespaces of every kind that belong to a user namespace belong to it again, and its root may in them what it could; one lies within", "needs": ["root"], "except": {"fd 3 file": "the tmpfs is a new one, with another device"}}
#include "inet.h"
#include "userns.h"

#include <net/if.h>
#include <sys/mount.h>
#include <sys/msg.h>

static tst_step *left, *mapped, *left2, *mapped2, *ready, *go, *done;
static const char *const kinds[] = {"net", "uts", "ipc", "mnt"};

static int listens(int port) {
  inet_name name = inet_loopback(AF_INET);
  name.four.sin_port = htons(port);
  int fd = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  tst_sys(bind(fd, &name.any, sizeof(name.four)));
  tst_sys(listen(fd, 1));
  return fd;
}

static int deeper(void *argument) {
  (void)argument;
  userns_leave(0, left2, mapped2, 1);
  userns_self was = userns_who();
  tst_raise(ready);
  tst_await(go, 1);
  userns_same(&was, "the root of the inner one");
  tst_raise(done);
  return 0;
}

static int chief(void *argument) {
  char name[65] = "", path[64];
  userns_leave(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS, left, mapped, 1);
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  int fd = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  tst_sys(ioctl(fd, SIOCSIFFLAGS, &lo));
  close(fd);
  tst_sys(sethostname("within", 6));
  tst_sys(mount("none", "m", "tmpfs", 0, "mode=700"));
  int kept = tst_sys(open("m/kept", O_RDWR | O_CREAT, 0600));
  int queue = tst_sys(msgget(77, IPC_CREAT | 0600)), listener = listens(80);
  pid_t inner = tst_child(deeper, argument);
  tst_await(left2, 1);
  userns_map(inner, "0 5 3\n", "0 6 3\n");
  tst_set(mapped2, 1);
  userns_self was = userns_who();
  tst_raise(ready);
  tst_await(go, 1);
  TST_SPOIL tst_sys(unshare(CLONE_NEWUTS | CLONE_NEWUSER));
  userns_same(&was, "the root");
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
    tst_check(userns_inode(path, USERNS_OWNER) == userns_inode("/proc/self/ns/user", 0), "%s belongs to another", kinds[i]);
  }
  snprintf(path, sizeof(path), "/proc/%d/ns/user", inner);
  tst_check(userns_inode(path, USERNS_PARENT) == userns_inode("/proc/self/ns/user", 0), "the inner one lies elsewhere");
  struct stat st, there;
  tst_sys(fstat(kept, &st));
  tst_check(!stat("m/kept", &there) && there.st_ino == st.st_ino && st.st_uid == 0, "a file of the tmpfs is another, or another's");
  tst_sys(gethostname(name, sizeof(name)));
  tst_check(!strcmp(name, "within"), "the host is called %s", name);
  tst_check(msgget(77, 0) == queue, "the queue has another id");
  (void)listener;
  tst_sys(sethostname("again", 5));
  close(listens(81));
  tst_sys(mount("none", "m", "tmpfs", 0, ""));
  tst_raise(done);
  tst_await(done, 2);
  return tst_reap(inner);
}

int main(void) {
  tst_begin();
  left = tst_new_step(), mapped = tst_new_step(), left2 = tst_new_step(), mapped2 = tst_new_step();
  ready = tst_new_step(), go = tst_new_step(), done = tst_new_step();
  tst_sys(mkdir("m", 0777));
  pid_t pid = tst_child(chief, NULL);
  tst_await(left, 1);
  userns_map(pid, "0 1000 10\n", "0 2000 10\n");
  tst_set(mapped, 1);
  tst_await(ready, 2);
  tst_ready();
  tst_set(go, 1);
  tst_check(tst_reap(pid) == 0, "the child failed");
  return tst_pass();
}
