// zdtm: {"category": "misc", "verifies": "a descriptor of the task's own program keeps its position at the start"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open("/proc/self/exe", O_RDONLY));
  tst_ready();
  char magic[4] = {0};
  TST_SPOIL tst_sys(lseek(fd, 1, SEEK_SET));
  tst_check(lseek(fd, 0, SEEK_CUR) == 0, "the position is %ld", (long)lseek(fd, 0, SEEK_CUR));
  tst_check(read(fd, magic, 4) == 4 && !memcmp(magic, "\177ELF", 4), "the file is another");
  return tst_pass();
}
