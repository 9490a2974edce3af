/* The body of the memfd02 cases: three mappings of one memfd, of which one has private changes. */
#ifndef MEMFD_MAPS_H
#define MEMFD_MAPS_H
#include "tst.h"

static int memfd_maps(unsigned flags, size_t page) {
  int fd = memfd_create("mapped", flags);
  if (fd < 0) tst_skip("memfd_create: %s", strerror(errno));
  tst_sys(ftruncate(fd, (off_t)(3 * page)));
  uint8_t *one = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (one == MAP_FAILED) tst_skip("mmap: %s", strerror(errno));
  uint8_t *two = tst_sys(mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)page));
  uint8_t *own = tst_sys(mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  tst_fill(one, 2 * page, 1);
  own[page + 5] = 0xf0; /* its page is its own from now on; pages 0 and 2 still follow the file */
  uint8_t before = one[page + 5];
  tst_ready();
  tst_check(tst_differs(one, 2 * page, 1) < 0, "the shared bytes are wrong");
  one[page + 5] = 0x11;
  one[7] = 0x22;
  one[2 * page + 1] = 0x33;
  TST_SPOIL own[page + 5] = before;
  tst_check(two[5] == 0x11, "the second shared mapping does not follow the first");
  tst_check(own[page + 5] == 0xf0, "the private change is lost");
  tst_check(own[page + 6] == two[6], "the rest of the private page is wrong");
  tst_check(own[7] == 0x22 && own[2 * page + 1] == 0x33, "unwritten pages of the private mapping do not follow the file");
  uint8_t byte = 0;
  if (!flags) {
    tst_sys(pread(fd, &byte, 1, 7));
    tst_check(byte == 0x22, "the descriptor does not show what was written to the mapping");
  }
  struct stat it;
  tst_sys(fstat(fd, &it));
  tst_check(it.st_size == (off_t)(3 * page), "size is %ld", (long)it.st_size);
  return tst_pass();
}

#endif
