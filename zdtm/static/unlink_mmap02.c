// zdtm: {"category": "memory", "verifies": "a deleted file that is open and mapped is still one file"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  int fd = tst_sys(open("gone", O_RDWR | O_CREAT, 0600));
  tst_sys(ftruncate(fd, (off_t)page));
  uint8_t *memory = tst_sys(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  tst_sys(unlink("gone"));
  tst_fill(memory, page, 1);
  tst_sys(lseek(fd, 5, SEEK_SET));
  tst_ready();
  TST_SPOIL fd = tst_sys(open("another", O_RDWR | O_CREAT, 0600));
  tst_check(tst_differs(memory, page, 1) < 0, "the mapping is wrong");
  tst_check(tst_spoiling() || lseek(fd, 0, SEEK_CUR) == 5, "position is %ld", (long)lseek(fd, 0, SEEK_CUR));
  tst_sys(pwrite(fd, "\x77", 1, 100));
  tst_check(memory[100] == 0x77, "descriptor and mapping are two files");
  struct stat it;
  tst_sys(fstat(fd, &it));
  tst_check(it.st_nlink == 0, "the deleted file has %ld names", (long)it.st_nlink);
  return tst_pass();
}
