// zdtm: {"category": "memory", "flavours": ["h"], "needs": ["root"], "verifies": "private and shared mappings made from a descriptor of shared anonymous memory keep their data and relation"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *memory = tst_shared(4 * page);
  char path[96];
  snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)memory, (unsigned long)memory + 4 * page);
  int fd = tst_sys(open(path, O_RDWR));
  tst_fill(memory, 4 * page, 1);
  uint8_t *own = tst_sys(mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)page));
  uint8_t *shared = tst_sys(mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)(2 * page)));
  own[3] = 0xaa;
  close(fd);
  tst_sys(munmap(memory, page)); /* the object is larger than what the first mapping still shows */
  tst_ready();
  TST_SPOIL own[3] = 0;
  tst_check(own[3] == 0xaa, "the private change is lost");
  tst_check(!memcmp(own + page, shared, page), "the untouched private page is wrong");
  memory[2 * page + 1] = 0x5c;
  tst_check(shared[1] == 0x5c, "the two shared mappings are no longer the same memory");
  tst_check(own[page + 1] == 0x5c, "the unwritten page of the private mapping does not follow");
  return tst_pass();
}
