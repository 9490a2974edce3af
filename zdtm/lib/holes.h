/* Deleted files with holes: blocks of data at given places. */
#ifndef HOLES_H
#define HOLES_H
#include "tst.h"

typedef struct {
  off_t at;
  size_t bytes;
} holes_data;

static inline int holes_make(const char *name, const holes_data *data, int count, off_t size) {
  int fd = tst_sys(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));
  for (int i = 0; i < count; i++) {
    uint8_t *bytes = malloc(data[i].bytes);
    tst_fill(bytes, data[i].bytes, (uint32_t)(data[i].at + 1));
    if (pwrite(fd, bytes, data[i].bytes, data[i].at) != (ssize_t)data[i].bytes) tst_die("pwrite");
    free(bytes);
  }
  tst_sys(ftruncate(fd, size));
  tst_sys(fsync(fd));
  return fd;
}

/* The data is right, the rest reads as zero, and what lies between takes no room. */
static inline void holes_check(int fd, const holes_data *data, int count, off_t size, blkcnt_t blocks) {
  struct stat is;
  tst_sys(fstat(fd, &is));
  tst_check(is.st_size == size, "the file has %ld bytes, not %ld", (long)is.st_size, (long)size);
  tst_check(is.st_nlink == 0, "the file has a name");
  tst_check(is.st_blocks <= blocks + 16, "the file takes %ld blocks, not %ld", (long)is.st_blocks, (long)blocks);
  off_t end = 0;
  for (int i = 0; i <= count; i++) {
    off_t start = i < count ? data[i].at : size;
    char edge[2] = {1, 1};
    if (start > end) {
      tst_sys(pread(fd, edge, 1, end));
      tst_sys(pread(fd, edge + 1, 1, start - 1));
      tst_check(!edge[0] && !edge[1], "the hole from %ld to %ld holds data", (long)end, (long)start);
    }
    if (i == count) break;
    uint8_t *bytes = malloc(data[i].bytes);
    tst_check(pread(fd, bytes, data[i].bytes, start) == (ssize_t)data[i].bytes, "the data at %ld is short", (long)start);
    tst_check(tst_differs(bytes, data[i].bytes, (uint32_t)(start + 1)) < 0, "the data at %ld is wrong", (long)start);
    free(bytes);
    end = start + (off_t)data[i].bytes;
  }
}

static inline blkcnt_t holes_blocks(int fd) {
  struct stat is;
  tst_sys(fstat(fd, &is));
  return is.st_blocks;
}

/* The whole of a case about one such file. */
static inline int holes_case(const holes_data *data, int count, off_t size) {
  tst_begin();
  int fd = holes_make("ghost", data, count, size);
  tst_sys(lseek(fd, size / 2, SEEK_SET));
  tst_sys(unlink("ghost"));
  blkcnt_t blocks = holes_blocks(fd);
  tst_ready();
  TST_SPOIL tst_sys(pwrite(fd, "!", 1, data[0].at + 1));
  tst_check(lseek(fd, 0, SEEK_CUR) == size / 2, "the position is %ld", (long)lseek(fd, 0, SEEK_CUR));
  holes_check(fd, data, count, size, blocks);
  return tst_pass();
}

#endif
