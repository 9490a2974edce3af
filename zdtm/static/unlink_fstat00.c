// zdtm: {"category": "files", "verifies": "a deleted file that was cut and read half way keeps size, mode, owner, data and position"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open("gone", O_RDWR | O_CREAT, 0604));
  static uint8_t bytes[20000];
  tst_fill(bytes, sizeof(bytes), 4);
  tst_sys(write(fd, bytes, sizeof(bytes)));
  tst_sys(ftruncate(fd, 15000));
  tst_sys(lseek(fd, 7000, SEEK_SET));
  tst_sys(fchown(fd, 33, 44));
  tst_sys(unlink("gone"));
  tst_ready();
  TST_SPOIL tst_sys(lseek(fd, 1, SEEK_CUR));
  struct stat is;
  tst_sys(fstat(fd, &is));
  tst_check(is.st_size == 15000 && (is.st_mode & 07777) == 0604 && is.st_uid == 33 && is.st_gid == 44,
            "%ld bytes, mode %o, owner %d:%d", (long)is.st_size, is.st_mode, is.st_uid, is.st_gid);
  tst_check(lseek(fd, 0, SEEK_CUR) == 7000, "the position is %ld", (long)lseek(fd, 0, SEEK_CUR));
  memset(bytes, 0, sizeof(bytes));
  tst_check(pread(fd, bytes, sizeof(bytes), 0) == 15000 && tst_differs(bytes, 15000, 4) < 0, "the data is wrong");
  tst_check(access("gone", F_OK) == -1, "the name is back");
  return tst_pass();
}
