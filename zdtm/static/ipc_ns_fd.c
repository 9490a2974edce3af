// zdtm: {"flavours": ["h"], "category": "ipc", "needs": ["root"], "except": {"fd 3": "a new namespace has another number"}, "verifies": "a descriptor of the ipc namespace that the tree has of its own is one of it again"}
#include "ipc.h"

int main(void) {
  tst_begin();
  ipc_alone();
  int fd = tst_sys(open("/proc/self/ns/ipc", O_RDONLY)), id = tst_sys(shmget(0x900, tst_page(), IPC_CREAT | 0600));
  tst_ready();
  TST_SPOIL fd = tst_sys(open("/proc/self/ns/net", O_RDONLY));
  struct stat open, own;
  tst_sys(fstat(fd, &open));
  tst_sys(stat("/proc/self/ns/ipc", &own));
  tst_check(open.st_ino == own.st_ino && open.st_dev == own.st_dev, "it is of another namespace");
  tst_sys(unshare(CLONE_NEWIPC));
  tst_check(shmget(0x900, 0, 0) < 0, "the new namespace is not new");
  tst_sys(setns(fd, CLONE_NEWIPC));
  tst_check(shmget(0x900, 0, 0) == id, "the segment is gone");
  return tst_pass();
}
