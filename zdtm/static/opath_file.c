// zdtm: {"category": "files", "verifies": "O_PATH descriptors of files and directories keep that flag and lead to the same place"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(mkdir("dir", 0755));
  int plain = tst_sys(open("dir/file", O_RDWR | O_CREAT, 0644));
  tst_sys(write(plain, "inside", 6));
  int file = tst_sys(open("dir/file", O_PATH | O_CLOEXEC)), dir = tst_sys(open("dir", O_PATH | O_DIRECTORY));
  tst_ready();
  TST_SPOIL tst_sys(dup2(plain, file));
  char text[16] = {0};
  tst_check(read(file, text, 4) == -1 && errno == EBADF, "an O_PATH descriptor can be read");
  tst_check(fcntl(file, F_GETFL) & O_PATH && fcntl(file, F_GETFD) == FD_CLOEXEC, "the flags are %x", fcntl(file, F_GETFL));
  tst_check((fcntl(dir, F_GETFL) & (O_PATH | O_DIRECTORY)) == (O_PATH | O_DIRECTORY), "the flags are %x",
            fcntl(dir, F_GETFL));
  int fd = tst_sys(openat(dir, "file", O_RDONLY));
  tst_check(read(fd, text, 15) == 6 && !strcmp(text, "inside"), "the way by the directory leads to %s", text);
  struct stat a, b;
  tst_sys(fstat(file, &a));
  tst_sys(fstat(plain, &b));
  tst_check(a.st_ino == b.st_ino, "the descriptor is of another file");
  return tst_pass();
}
