// zdtm: {"category": "files", "verifies": "room on a disk that a deleted file has set aside (fallocate) is still set aside, behind its end too, and holes of small files are holes"}
#include "tst.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#define EXTENTS 16

typedef struct {
  struct fiemap map;
  struct fiemap_extent extents[EXTENTS];
} extents;

/* Bytes that are set aside and not written to from `start` on. */
static uint64_t aside(int fd, uint64_t start) {
  extents all = {.map = {.fm_start = start, .fm_length = UINT64_MAX - start, .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = EXTENTS}};
  if (ioctl(fd, FS_IOC_FIEMAP, &all)) tst_skip("the file system does not tell of its extents");
  uint64_t sum = 0;
  for (unsigned i = 0; i < all.map.fm_mapped_extents; i++) {
    const struct fiemap_extent *one = &all.extents[i];
    uint64_t from = one->fe_logical < start ? start : one->fe_logical;
    if (one->fe_flags & FIEMAP_EXTENT_UNWRITTEN) sum += one->fe_logical + one->fe_length - from;
  }
  return sum;
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  int log = tst_sys(open("log", O_RDWR | O_CREAT, 0600)), base = tst_sys(open("base", O_RDWR | O_CREAT, 0600)),
      small = tst_sys(open("small", O_RDWR | O_CREAT, 0600));
  // as who writes a log sets room aside behind its end, and a database in its file
  tst_check(write(log, "begin", 5) == 5, "write");
  tst_sys(fallocate(log, FALLOC_FL_KEEP_SIZE, 0, 64 * page));
  tst_sys(fallocate(base, 0, 100 * page, 32 * page));
  tst_check(pwrite(base, "here", 4, 110 * page) == 4, "pwrite");
  tst_check(pwrite(small, "x", 1, 2 * page) == 1, "pwrite");
  tst_sys(fsync(log));
  tst_sys(fsync(base));
  tst_sys(fsync(small));
  tst_sys(unlink("log"));
  tst_sys(unlink("base"));
  tst_sys(unlink("small"));
  uint64_t before[] = {aside(log, page), aside(base, 0)};
  if (before[0] == 0) tst_skip("the file system sets no room aside");
  off_t data = lseek(small, 0, SEEK_DATA);
  tst_ready();
  TST_SPOIL tst_sys(ftruncate(log, 6));
  tst_check(aside(log, page) == before[0], "of the log %ld bytes are set aside, not %ld", (long)aside(log, page), (long)before[0]);
  tst_check(aside(base, 0) == before[1], "of the base %ld bytes are set aside, not %ld", (long)aside(base, 0), (long)before[1]);
  struct stat st;
  tst_sys(fstat(log, &st));
  tst_check(st.st_size == 5, "the log has %ld bytes", (long)st.st_size);
  tst_sys(fstat(base, &st));
  tst_check(st.st_size == (off_t)(132 * page), "the base has %ld bytes", (long)st.st_size);
  char text[5] = "";
  tst_check(pread(base, text, 4, 110 * page) == 4 && !strcmp(text, "here"), "the base holds %s", text);
  tst_check(lseek(small, 0, SEEK_DATA) == data, "the first data of a small file is at %ld, not %ld", (long)lseek(small, 0, SEEK_DATA), (long)data);
  return tst_pass();
}
