// zdtm: {"category": "files", "verifies": "deleted files, directories and FIFOs keep extended attributes, POSIX ACLs, capabilities, flags (chattr) and what their writers said of how long it lives (F_SET_RW_HINT)"}
#include "attributes.h"

enum { PLAIN, PROGRAM, LOG, STILL, DIRECTORY, FIFO, LARGE, COUNT };
static const char *const names[] = {"plain", "program", "log", "still", "directory", "fifo", "large"};

/* struct vfs_cap_data of linux/capability.h, version 2: CAP_NET_RAW, permitted, and effective at once */
static const uint32_t capability[5] = {0x02000001, 1 << 13, 0, 0, 0};

static int make(int i) {
  if (i == DIRECTORY) {
    tst_sys(mkdir(names[i], 0755));
    return tst_sys(open(names[i], O_RDONLY | O_DIRECTORY));
  }
  if (i == FIFO) tst_sys(mkfifo(names[i], 0640));
  return tst_sys(open(names[i], O_RDWR | O_CREAT, 0755));
}

int main(void) {
  tst_begin();
  int fds[COUNT];
  attributes before[COUNT];
  struct stat was[COUNT];
  for (int i = 0; i < COUNT; i++) {
    fds[i] = make(i);
    attribute(fds[i], "trusted.zdtm", "for root");
    if (i != DIRECTORY && i != FIFO) tst_check(write(fds[i], "text", 4) == 4, "write");
  }
  if (!attribute(fds[PLAIN], "user.zdtm", "a note")) tst_skip("the file system has no extended attributes");
  attribute(fds[DIRECTORY], "user.zdtm", "");
  acl(fds[PLAIN], "system.posix_acl_access");
  acl(fds[DIRECTORY], "system.posix_acl_default");
  fsetxattr(fds[PROGRAM], "security.capability", capability, sizeof(capability), 0);
  // more than what an image usually begins with
  char filled[1500] = "";
  memset(filled, 'x', sizeof(filled) - 1);
  attribute(fds[LARGE], "user.large", filled);
  uint64_t life = RWH_WRITE_LIFE_LONG;
  tst_sys(fcntl(fds[PLAIN], F_SET_RW_HINT, &life));
  for (int i = 0; i < COUNT; i++) tst_sys(i == DIRECTORY ? rmdir(names[i]) : unlink(names[i]));
  char *map = tst_sys(mmap(NULL, tst_page(), PROT_READ | PROT_WRITE, MAP_SHARED, fds[LOG], 0));
  flag(fds[LOG], FS_APPEND_FL | FS_NODUMP_FL);
  flag(fds[STILL], FS_IMMUTABLE_FL | FS_NOATIME_FL);
  flag(fds[DIRECTORY], FS_NODUMP_FL);
  for (int i = 0; i < COUNT; i++) {
    before[i] = attributes_of(fds[i]);
    tst_sys(fstat(fds[i], &was[i]));
  }
  tst_ready();
  TST_SPOIL tst_sys(fremovexattr(fds[PLAIN], "user.zdtm"));
  for (int i = 0; i < COUNT; i++) {
    struct stat is;
    attributes_check(fds[i], &before[i], names[i]);
    tst_sys(fstat(fds[i], &is));
    tst_check(is.st_mode == was[i].st_mode && is.st_uid == was[i].st_uid, "%s: mode %o, was %o", names[i], is.st_mode, was[i].st_mode);
    tst_check(!memcmp(&is.st_mtim, &was[i].st_mtim, sizeof(is.st_mtim)), "%s was changed", names[i]);
  }
  tst_check(!fcntl(fds[PLAIN], F_GET_RW_HINT, &life) && life == RWH_WRITE_LIFE_LONG, "its content lives %d", (int)life);
  // a descriptor that may write is one still, whatever the file allows by now
  tst_check(fcntl(fds[LOG], F_GETFL) % 4 == O_RDWR && map[0] == 't', "the log is open as %o", fcntl(fds[LOG], F_GETFL));
  return tst_pass();
}
