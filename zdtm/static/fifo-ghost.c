// zdtm: {"category": "fifo", "verifies": "a deleted named pipe keeps its bytes, mode and owner"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(mkfifo("pipe", 0610));
  tst_sys(chown("pipe", 12, 34));
  int reading = tst_sys(open("pipe", O_RDONLY | O_NONBLOCK)), writing = tst_sys(open("pipe", O_WRONLY));
  tst_sys(write(writing, "ghostly", 7));
  tst_sys(unlink("pipe"));
  tst_ready();
  TST_SPOIL tst_sys(write(writing, "!", 1));
  struct stat one, two;
  tst_sys(fstat(reading, &one));
  tst_sys(fstat(writing, &two));
  tst_check(S_ISFIFO(one.st_mode) && (one.st_mode & 07777) == 0610 && one.st_uid == 12 && one.st_gid == 34,
            "mode %o, owner %d:%d", one.st_mode, one.st_uid, one.st_gid);
  tst_check(one.st_nlink == 0 && one.st_ino == two.st_ino, "the ends are of two pipes, or it has a name");
  tst_check(access("pipe", F_OK) == -1, "the name is back");
  char text[16] = {0};
  tst_check(read(reading, text, 15) == 7 && !strcmp(text, "ghostly"), "the pipe holds %s", text);
  close(writing);
  tst_check(read(reading, text, 15) == 0, "the end of the pipe is not seen");
  return tst_pass();
}
