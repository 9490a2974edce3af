// zdtm: {"category": "memory", "verifies": "one file mapped four times with different protections and open modes keeps them, write-only memory included"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  int rw = tst_sys(open("prot", O_RDWR | O_CREAT, 0600));
  tst_sys(ftruncate(rw, (off_t)page));
  int ro = tst_sys(open("prot", O_RDONLY));
  uint8_t *both = tst_sys(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, rw, 0));
  uint8_t *write_only = tst_sys(mmap(NULL, page, PROT_WRITE, MAP_SHARED, rw, 0));
  uint8_t *read_only = tst_sys(mmap(NULL, page, PROT_READ, MAP_SHARED, ro, 0));
  uint8_t *own = tst_sys(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0));
  close(rw);
  close(ro);
  tst_fill(both, page, 3);
  own[1] = 0x77;
  tst_ready();
  TST_SPOIL tst_sys(mprotect(both, page, PROT_READ));
  tst_check(tst_differs(read_only, page, 3) < 0, "the file's bytes are wrong");
  tst_check(tst_mapped(write_only, page, "-w-s"), "the write-only mapping has other permissions");
  tst_check(tst_mapped(both, page, "rw-s"), "the shared mapping has other permissions");
  tst_check(tst_mapped(read_only, page, "r--s"), "the read-only mapping has other permissions");
  write_only[2] = 0x33;
  tst_check(read_only[2] == 0x33 && both[2] == 0x33, "a write is not seen through the other mappings");
  tst_check(own[1] == 0x77, "the private change is lost");
  tst_check(mprotect(read_only, page, PROT_READ | PROT_WRITE) == -1 && errno == EACCES,
            "a shared mapping of a read-only description can be made writable");
  return tst_pass();
}
