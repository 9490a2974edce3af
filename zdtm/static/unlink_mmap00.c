// zdtm: {"category": "memory", "verifies": "the private and the shared mapping of a deleted file keep their data"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  int fd = tst_sys(open("gone", O_RDWR | O_CREAT, 0600));
  tst_sys(ftruncate(fd, (off_t)(3 * page)));
  uint8_t *shared = tst_sys(mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  uint8_t *own = tst_sys(mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  close(fd);
  tst_sys(unlink("gone"));
  tst_fill(shared, 2 * page, 1);
  own[0] = 0xd0;
  tst_ready();
  TST_SPOIL shared[page] ^= 1;
  tst_check(tst_differs(shared, 2 * page, 1) < 0, "the shared mapping is wrong");
  tst_check(own[0] == 0xd0, "the private change is lost");
  shared[2 * page] = 0x44;
  tst_check(own[2 * page] == 0x44, "the two mappings are no longer of one file");
  tst_check(access("gone", F_OK) == -1 && errno == ENOENT, "the deleted file is back");
  return tst_pass();
}
