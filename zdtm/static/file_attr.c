// zdtm: {"category": "files", "verifies": "a deleted file keeps its owner, mode, size, data and times"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open("gone", O_RDWR | O_CREAT, 0600));
  tst_sys(write(fd, "contents", 8));
  tst_sys(fchown(fd, 1234, 5678));
  tst_sys(fchmod(fd, 06751));
  struct timespec times[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
  tst_sys(futimens(fd, times));
  tst_sys(unlink("gone"));
  struct stat was, is;
  tst_sys(fstat(fd, &was));
  tst_ready();
  TST_SPOIL tst_sys(fchmod(fd, 0751));
  tst_sys(fstat(fd, &is));
  tst_check(is.st_mode == was.st_mode && is.st_uid == 1234 && is.st_gid == 5678, "mode %o, owner %d:%d", is.st_mode,
            is.st_uid, is.st_gid);
  tst_check(is.st_size == 8 && is.st_nlink == 0, "%ld bytes, %ld names", (long)is.st_size, (long)is.st_nlink);
  tst_check(!memcmp(&is.st_mtim, &was.st_mtim, sizeof(is.st_mtim)), "changed at %ld.%09ld", is.st_mtim.tv_sec,
            is.st_mtim.tv_nsec);
  tst_check(!memcmp(&is.st_atim, &was.st_atim, sizeof(is.st_atim)), "read at %ld.%09ld", is.st_atim.tv_sec,
            is.st_atim.tv_nsec);
  char text[16] = {0};
  tst_check(pread(fd, text, 15, 0) == 8 && !strcmp(text, "contents"), "the file holds %s", text);
  return tst_pass();
}
