// zdtm: {"category": "files", "verifies": "memfds keep their times, extended attributes, flags (chattr) and what their writers said of how long it lives (F_SET_RW_HINT)"}
#include "attributes.h"

int main(void) {
  tst_begin();
  int fds[3];
  attributes before[3];
  struct stat was[3];
  struct timespec times[2] = {{1000000000, 123456789}, {-5, 987654321}};
  static const int flags[] = {0, FS_NODUMP_FL | FS_APPEND_FL, FS_IMMUTABLE_FL};
  for (int i = 0; i < 3; i++) {
    fds[i] = tst_sys(memfd_create("zdtm", MFD_ALLOW_SEALING));
    tst_check(write(fds[i], "text", 4) == 4, "write");
    tst_sys(fchown(fds[i], 12, 34));
    tst_sys(fchmod(fds[i], 0604));
    attribute(fds[i], "user.zdtm", "a note");
    attribute(fds[i], "security.zdtm", "for root");
    acl(fds[i], "system.posix_acl_access");
    tst_sys(futimens(fds[i], times));
  }
  uint64_t life = RWH_WRITE_LIFE_LONG;
  tst_sys(fcntl(fds[0], F_SET_RW_HINT, &life));
  tst_sys(fcntl(fds[0], F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE));
  char *map = tst_sys(mmap(NULL, tst_page(), PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0));
  for (int i = 0; i < 3; i++) {
    flag(fds[i], flags[i]);
    before[i] = attributes_of(fds[i]);
    tst_sys(fstat(fds[i], &was[i]));
  }
  tst_ready();
  TST_SPOIL tst_sys(futimens(fds[0], NULL));
  for (int i = 0; i < 3; i++) {
    struct stat is;
    attributes_check(fds[i], &before[i], "a memfd");
    tst_sys(fstat(fds[i], &is));
    tst_check(is.st_mode == was[i].st_mode && is.st_uid == 12 && is.st_gid == 34, "mode %o, owner %d:%d", is.st_mode, is.st_uid, is.st_gid);
    tst_check(!memcmp(&is.st_atim, &was[i].st_atim, sizeof(times[0])), "read at %ld.%09ld", is.st_atim.tv_sec, is.st_atim.tv_nsec);
    tst_check(!memcmp(&is.st_mtim, &times[1], sizeof(times[1])), "changed at %ld.%09ld", is.st_mtim.tv_sec, is.st_mtim.tv_nsec);
  }
  tst_check(!fcntl(fds[0], F_GET_RW_HINT, &life) && life == RWH_WRITE_LIFE_LONG, "its content lives %d", (int)life);
  tst_check(map[0] == 't', "it is mapped no more");
  return tst_pass();
}
