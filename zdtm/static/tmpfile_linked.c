// zdtm: {"category": "files", "verifies": "a file that was made without a name (O_TMPFILE) can still be given one", "except": {"fd 3": "the kernel calls a file without a name by its number, and it is a new one"}}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = open(".", O_TMPFILE | O_RDWR, 0640);
  if (fd < 0) tst_skip("no files without a name here: %s", strerror(errno));
  tst_sys(write(fd, "here", 4));
  tst_ready();
  struct stat st;
  char path[64], bytes[5] = "";
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  TST_SPOIL close(fd);
  int done = linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW);
  tst_check(done == 0, "it gets no name: %s", strerror(errno));
  int again = tst_sys(open("named", O_RDONLY));
  tst_check(read(again, bytes, 4) == 4 && !strcmp(bytes, "here"), "its bytes are gone");
  tst_check(!fstat(again, &st) && (st.st_mode & 07777) == 0640, "its mode is %o", st.st_mode);
  return tst_pass();
}
