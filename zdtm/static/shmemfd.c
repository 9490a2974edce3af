// zdtm: {"category": "memory", "flavours": ["h"], "needs": ["root"], "verifies": "a descriptor of shared anonymous memory keeps its flags and position and is the mapped memory"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *memory = tst_shared(4 * page);
  char path[96];
  snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)memory, (unsigned long)memory + 4 * page);
  int fd = tst_sys(open(path, O_RDWR | O_APPEND | O_LARGEFILE));
  tst_fill(memory, 3 * page, 1);
  tst_sys(lseek(fd, 77, SEEK_SET));
  int flags = tst_sys(fcntl(fd, F_GETFL));
  tst_ready();
  TST_SPOIL memory = tst_shared(4 * page);
  tst_check(fcntl(fd, F_GETFL) == flags, "flags are %o, were %o", fcntl(fd, F_GETFL), flags);
  tst_check(lseek(fd, 0, SEEK_CUR) == 77, "position is %ld", (long)lseek(fd, 0, SEEK_CUR));
  tst_check(tst_differs(memory, 3 * page, 1) < 0, "the memory is wrong");
  memory[3 * page + 9] = 0x99;
  uint8_t seen = 0;
  tst_sys(pread(fd, &seen, 1, (off_t)(3 * page + 9)));
  tst_check(seen == 0x99, "descriptor and mapping are no longer the same memory");
  return tst_pass();
}
