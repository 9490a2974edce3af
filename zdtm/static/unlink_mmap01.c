// zdtm: {"category": "memory", "opts": ["--link-remap"], "verifies": "a mapped file whose name is gone but has other names keeps its data and is still the file of those names"}
#include "tst.h"

#include <glob.h>

int main(void) {
  tst_begin();
  size_t page = tst_page();
  int fd = tst_sys(open("first", O_RDWR | O_CREAT, 0600));
  tst_sys(ftruncate(fd, (off_t)page));
  uint8_t *memory = tst_sys(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  close(fd);
  tst_fill(memory, page, 1);
  tst_sys(link("first", "second"));
  tst_sys(unlink("first"));
  tst_ready();
  tst_check(tst_differs(memory, page, 1) < 0, "the mapping is wrong");
  memory[10] = 0x10;
  TST_SPOIL tst_sys(truncate("second", 5));
  fd = tst_sys(open("second", O_RDONLY));
  uint8_t seen = 0;
  tst_sys(pread(fd, &seen, 1, 10));
  tst_check(seen == 0x10, "the other name is another file");
  struct stat it;
  tst_sys(fstat(fd, &it));
  glob_t kept; /* a dump that leaves the case running keeps a name for its images */
  long names = glob("link_remap.*", 0, NULL, &kept) ? 1 : 1 + (long)kept.gl_pathc;
  tst_check((long)it.st_nlink == names, "the file has %ld names, not %ld", (long)it.st_nlink, names);
  tst_check(access("first", F_OK) == -1, "the deleted name is back");
  return tst_pass();
}
