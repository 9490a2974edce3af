// zdtm: {"category": "memory", "verifies": "a memfd keeps its name, flags, mode, position, file system and data"}
#include "tst.h"

#include <sys/vfs.h>

int main(void) {
  tst_begin();
  int fd = tst_sys(memfd_create("zdtm memory", MFD_CLOEXEC));
  uint8_t data[5000], seen[5000];
  tst_fill(data, sizeof(data), 1);
  tst_sys(write(fd, data, sizeof(data)));
  tst_sys(ftruncate(fd, 1 << 20));
  tst_sys(lseek(fd, 1234, SEEK_SET));
  tst_sys(fchmod(fd, 0642));
  tst_sys(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
  struct stat before, after;
  struct statfs fs_before, fs_after;
  tst_sys(fstat(fd, &before));
  tst_sys(fstatfs(fd, &fs_before));
  int flags = tst_sys(fcntl(fd, F_GETFL));
  tst_ready();
  TST_SPOIL tst_sys(fchmod(fd, 0600));
  tst_sys(fstat(fd, &after));
  tst_sys(fstatfs(fd, &fs_after));
  tst_check(after.st_mode == before.st_mode, "mode is %o, was %o", after.st_mode, before.st_mode);
  tst_check(after.st_size == 1 << 20, "size is %ld", (long)after.st_size);
  tst_check(after.st_blocks == before.st_blocks, "%ld blocks, were %ld", (long)after.st_blocks, (long)before.st_blocks);
  tst_check(fs_after.f_type == fs_before.f_type, "another file system");
  tst_check(fcntl(fd, F_GETFL) == flags, "flags are %o, were %o", fcntl(fd, F_GETFL), flags);
  tst_check(fcntl(fd, F_GETFD) == FD_CLOEXEC, "close-on-exec is lost");
  tst_check(lseek(fd, 0, SEEK_CUR) == 1234, "position is %ld", (long)lseek(fd, 0, SEEK_CUR));
  tst_check(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL, "seals are %x", fcntl(fd, F_GET_SEALS));
  tst_sys(pread(fd, seen, sizeof(seen), 0));
  tst_check(memcmp(seen, data, sizeof(data)) == 0, "the data are wrong");
  char link[64] = {0}, path[32];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  tst_sys(readlink(path, link, sizeof(link) - 1));
  tst_check(!strcmp(link, "/memfd:zdtm memory (deleted)"), "its name is %s", link);
  return tst_pass();
}
