// zdtm: {"category": "files", "verifies": "writes through a shared mapping still reach the file and change its time"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  tst_sys(ftruncate(fd, 8192));
  char *map = tst_sys(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  strcpy(map, "before");
  struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
  tst_sys(msync(map, 8192, MS_SYNC));
  tst_sys(futimens(fd, old));
  struct stat was, is;
  tst_sys(fstat(fd, &was));
  tst_ready();
  tst_sys(fstat(fd, &is));
  tst_check(is.st_mtim.tv_sec == 1000000000, "the time of the file is %ld", is.st_mtim.tv_sec);
  TST_SPOIL map = tst_private(8192);
  strcpy(map + 5000, "after");
  tst_sys(msync(map, 8192, MS_SYNC));
  tst_sys(fstat(fd, &is));
  tst_check(is.st_mtim.tv_sec > 1000000000, "the write does not change the time");
  char text[8] = {0};
  tst_sys(pread(fd, text, 7, 5000));
  tst_check(!strcmp(text, "after") && !strcmp(map, "before"), "the file holds %s", text);
  return tst_pass();
}
