// zdtm: {"category": "memory", "verifies": "memfds of all forms: odd names, reopened for reading, writing and appending or by O_PATH, huge and empty ones, other modes, and seals that were set while a mapping was there"}
#include "tst.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#endif

static int again(int fd, int flags) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  return tst_sys(open(path, flags));
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  char name[250];
  memset(name, 'n', sizeof(name) - 1);
  name[249] = 0;
  int long_name = tst_sys(memfd_create(name, MFD_CLOEXEC)), odd = tst_sys(memfd_create("a b/c (deleted)", MFD_ALLOW_SEALING));
  int none = tst_sys(memfd_create("", 0)), sparse = tst_sys(memfd_create("sparse", 0));
  int plain = memfd_create("plain", MFD_NOEXEC_SEAL), sealed = tst_sys(memfd_create("sealed", MFD_ALLOW_SEALING));
  tst_sys(write(long_name, "long", 4));
  tst_sys(write(odd, "odd", 3));
  off_t far = (off_t)1 << 42;
  tst_sys(ftruncate(sparse, far + 5));
  tst_sys(pwrite(sparse, "end", 3, far));
  tst_sys(fchmod(odd, 0640));
  int reader = again(odd, O_RDONLY), writer = again(odd, O_WRONLY), appender = again(odd, O_WRONLY | O_APPEND), path = again(odd, O_PATH);
  tst_sys(lseek(reader, 1, SEEK_SET));
  tst_sys(ftruncate(sealed, (off_t)page));
  uint8_t *view = tst_sys(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, sealed, 0));
  view[3] = 0x33;
  tst_sys(fcntl(sealed, F_ADD_SEALS, 0x10 /* F_SEAL_FUTURE_WRITE */ | F_SEAL_GROW));
  int seals = plain < 0 ? 0 : tst_sys(fcntl(plain, F_GET_SEALS));
  tst_ready();
  TST_SPOIL tst_sys(dup2(none, reader));
  char text[8] = {0};
  tst_check(pread(long_name, text, 4, 0) == 4 && memcmp(text, "long", 4) == 0, "the long name's file holds %s", text);
  tst_check(read(reader, text, 8) == 2 && memcmp(text, "dd", 2) == 0, "the reader reads %s", text);
  tst_check(write(reader, "x", 1) < 0 && errno == EBADF, "the reader writes");
  tst_check(read(writer, text, 1) < 0 && errno == EBADF, "the writer reads");
  tst_check(write(writer, "O", 1) == 1 && write(appender, "!", 1) == 1, "they do not write");
  tst_check(pread(odd, text, 8, 0) == 4 && memcmp(text, "Odd!", 4) == 0, "one file has become several: %s", text);
  tst_check(read(path, text, 1) < 0 && errno == EBADF && (fcntl(path, F_GETFL) & O_PATH), "what was a place is a file");
  struct stat a, b;
  tst_sys(fstat(path, &a));
  tst_sys(fstat(odd, &b));
  tst_check(a.st_ino == b.st_ino && a.st_dev == b.st_dev && (b.st_mode & 0777) == 0640, "the place is of another file");
  tst_sys(fstat(sparse, &a));
  tst_check(a.st_size == far + 5 && a.st_blocks <= 8, "the sparse one has %ld bytes in %ld blocks", (long)a.st_size, (long)a.st_blocks);
  tst_check(pread(sparse, text, 3, far) == 3 && memcmp(text, "end", 3) == 0, "its end is %s", text);
  tst_sys(fstat(none, &a));
  tst_check(a.st_size == 0, "the empty one is not");
  if (plain >= 0) tst_check(fcntl(plain, F_GET_SEALS) == seals, "seals are %x, were %x", fcntl(plain, F_GET_SEALS), seals);
  view[4] = 0x44;
  tst_check(view[3] == 0x33 && pread(sealed, text, 2, 3) == 2 && text[1] == 0x44, "the mapping is of another file");
  tst_check(pwrite(sealed, "x", 1, 0) < 0 && errno == EPERM, "what was sealed can be written");
  tst_check(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, sealed, 0) == MAP_FAILED, "it can be mapped for writing");
  return tst_pass();
}
