// zdtm: {"category": "files", "verifies": "a descriptor of a removed directory is of a removed directory still"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(mkdir("gone", 0751));
  tst_sys(chown("gone", 7, 8));
  int fd = tst_sys(open("gone", O_RDONLY | O_DIRECTORY));
  tst_sys(rmdir("gone"));
  tst_ready();
  TST_SPOIL fd = tst_sys(open(".", O_RDONLY));
  struct stat is;
  tst_sys(fstat(fd, &is));
  tst_check(S_ISDIR(is.st_mode) && is.st_nlink == 0, "mode %o, %ld names", is.st_mode, (long)is.st_nlink);
  tst_check((is.st_mode & 07777) == 0751 && is.st_uid == 7 && is.st_gid == 8, "mode %o, owner %d:%d", is.st_mode,
            is.st_uid, is.st_gid);
  tst_check(openat(fd, "new", O_CREAT | O_WRONLY, 0600) == -1 && errno == ENOENT, "a removed directory takes files");
  tst_check(access("gone", F_OK) == -1, "the directory is back");
  return tst_pass();
}
