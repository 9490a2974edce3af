// zdtm: {"category": "memory", "verifies": "five hundred mappings of pieces of one file keep offsets, private changes and shared changes"}
#include "tst.h"

#define COUNT 500

int main(void) {
  tst_begin();
  size_t page = tst_page();
  int fd = tst_sys(open("many", O_RDWR | O_CREAT, 0600));
  tst_sys(ftruncate(fd, (off_t)(COUNT * page)));
  for (uint32_t i = 0; i < COUNT; i++) tst_sys(pwrite(fd, &i, sizeof(i), (off_t)(i * page)));
  uint8_t *at[COUNT];
  for (int i = 0; i < COUNT; i++) {
    /* Backwards, so that neighbours in memory are no neighbours in the file. */
    off_t offset = (off_t)((size_t)(COUNT - 1 - i) * page);
    at[i] = tst_sys(mmap(NULL, page, PROT_READ | PROT_WRITE, i % 3 == 0 ? MAP_SHARED : MAP_PRIVATE, fd, offset));
    if (i % 3 == 1) *(uint32_t *)(at[i] + 64) = 0xabcd0000u + (uint32_t)i;
  }
  close(fd);
  tst_ready();
  TST_SPOIL *(uint32_t *)(at[1] + 64) = 0;
  for (int i = 0; i < COUNT; i++) {
    tst_check(*(uint32_t *)at[i] == (uint32_t)(COUNT - 1 - i), "mapping %d shows another place of the file", i);
    uint32_t change = i % 3 == 1 ? 0xabcd0000u + (uint32_t)i : 0;
    tst_check(*(uint32_t *)(at[i] + 64) == change, "mapping %d has lost its private change", i);
    if (i % 3 == 0) *(uint32_t *)(at[i] + 128) = (uint32_t)i;
  }
  fd = tst_sys(open("many", O_RDONLY));
  for (int i = 0; i < COUNT; i += 3) {
    uint32_t seen;
    tst_sys(pread(fd, &seen, sizeof(seen), (off_t)((size_t)(COUNT - 1 - i) * page + 128)));
    tst_check(seen == (uint32_t)i, "a write to shared mapping %d does not reach the file", i);
  }
  return tst_pass();
}
