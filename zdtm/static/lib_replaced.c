// zdtm: {"category": "files", "except": {"area": "a file that has its name keeps it", "fd 4": "likewise"}, "verifies": "a library that an upgrade replaced while it was mapped stays the old one in memory and behind descriptors, and the new one under its name"}
#include "tst.h"

enum { PAGES = 4 };

static void write_file(const char *name, uint32_t seed) {
  size_t size = PAGES * tst_page();
  uint8_t *bytes = tst_private(size);
  tst_fill(bytes, size, seed);
  int fd = tst_sys(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755));
  tst_check(write(fd, bytes, size) == (ssize_t)size, "cannot write %s", name);
  tst_sys(munmap(bytes, size));
  close(fd);
}

/* Whether what the name leads to is the file that was written with the seed. */
static bool is_file(const char *name, uint32_t seed) {
  size_t size;
  char *bytes = tst_slurp(name, &size);
  return size == PAGES * tst_page() && tst_differs(bytes, size, seed) < 0;
}

int main(void) {
  tst_begin();
  size_t size = PAGES * tst_page();
  write_file("lib", 1);
  int fd = tst_sys(open("lib", O_RDONLY));
  uint8_t *code = tst_sys(mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
  uint8_t *data = tst_sys(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  data[tst_page()] ^= 0xff;
  int kept = tst_sys(open("lib", O_RDONLY));
  close(fd);
  write_file("lib.new", 2);
  tst_sys(rename("lib.new", "lib"));
  tst_ready();
  TST_SPOIL data[tst_page()] ^= 0xff;
  data[tst_page()] ^= 0xff;
  tst_check(tst_differs(code, size, 1) < 0, "the mapped code is another");
  tst_check(tst_differs(data, size, 1) < 0, "the mapped data is another");
  char name[64];
  snprintf(name, sizeof(name), "/proc/self/fd/%d", kept);
  tst_check(is_file(name, 1), "the open library is another");
  tst_check(is_file("lib", 2), "the new library is gone");
  struct stat stat;
  tst_sys(fstat(kept, &stat));
  tst_check(stat.st_nlink == 0 && (stat.st_mode & 0777) == 0755, "the old library has %ld names, mode %o", (long)stat.st_nlink,
            stat.st_mode);
  return tst_pass();
}
