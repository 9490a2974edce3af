// zdtm: {"category": "files", "verifies": "memory that a memfd, or a deleted file of a tmpfs, has set aside (fallocate) is still set aside, behind its end too, and its holes are holes", "needs": ["file:/dev/shm"]}
#include "tst.h"

#define PAGES 10

static long blocks(int fd) {
  struct stat st;
  tst_sys(fstat(fd, &st));
  return st.st_blocks;
}

/* A page of bytes in the middle of what is set aside. */
static void prepare(int fd, bool isAll) {
  size_t page = tst_page();
  if (isAll)
    tst_sys(fallocate(fd, 0, 0, PAGES * page));
  else {
    tst_sys(ftruncate(fd, 1000 * page));
    tst_sys(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4 * page));
  }
  tst_sys(fallocate(fd, FALLOC_FL_KEEP_SIZE, 1000 * page, page));
  tst_sys(pwrite(fd, "here", 4, 2 * page));
}

int main(void) {
  tst_begin();
  int fds[4];
  fds[0] = tst_sys(memfd_create("all", 0));
  fds[1] = tst_sys(memfd_create("some", MFD_ALLOW_SEALING));
  char path[2][64];
  for (int i = 0; i < 2; i++) {
    snprintf(path[i], sizeof(path[i]), "/dev/shm/zdtm-room-%d-%d", i, getpid());
    fds[2 + i] = open(path[i], O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fds[2 + i] < 0) tst_skip("nobody may write to /dev/shm");
    unlink(path[i]);
  }
  long before[4], sizes[4] = {PAGES, 1000, PAGES, 1000};
  for (int i = 0; i < 4; i++) {
    prepare(fds[i], sizes[i] == PAGES);
    before[i] = blocks(fds[i]);
  }
  tst_sys(fcntl(fds[1], F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE));
  tst_ready();
  TST_SPOIL tst_sys(fallocate(fds[0], FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, tst_page()));
  for (int i = 0; i < 4; i++) {
    struct stat st;
    char bytes[5] = "";
    tst_sys(fstat(fds[i], &st));
    tst_check(blocks(fds[i]) == before[i], "file %d has %ld blocks, had %ld", i, blocks(fds[i]), before[i]);
    tst_check(st.st_size == (off_t)(sizes[i] * tst_page()), "file %d has %ld bytes", i, (long)st.st_size);
    tst_check(pread(fds[i], bytes, 4, 2 * tst_page()) == 4 && !strcmp(bytes, "here"), "file %d has lost its bytes", i);
  }
  return tst_pass();
}
