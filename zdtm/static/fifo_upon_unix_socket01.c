// zdtm: {"category": "fifo", "verifies": "a named pipe at the path, relative, of a socket that was deleted: both come back"}
#include "named.h"

int main(void) {
  tst_begin();
#ifdef ABSOLUTE
  char path[PATH_MAX + 8];
  tst_check(getcwd(path, PATH_MAX) != NULL, "no directory");
  strcat(path, "/name");
  if (strlen(path) > 100) tst_skip("the directory has a long name");
#else
  const char *path = "name";
#endif
  named_name name = named_path(path);
  int fd = named_bound(SOCK_DGRAM, &name), client = named_client(SOCK_DGRAM, &name);
  tst_sys(unlink("name"));
  tst_sys(mkfifo("name", 0620));
  int pipe = tst_sys(open("name", O_RDWR));
  tst_sys(write(pipe, "held", 4));
  tst_ready();
  char text[8];
  struct stat is;
  TST_SPOIL tst_sys(read(pipe, text, 4));
  tst_sys(write(pipe, "more", 4));
  tst_check(read(pipe, text, 8) == 8 && !memcmp(text, "heldmore", 8), "the pipe holds something else");
  tst_check(stat("name", &is) == 0 && S_ISFIFO(is.st_mode), "the path is something else");
  tst_check(send(client, "d", 1, 0) == 1 && recv(fd, text, 8, MSG_DONTWAIT) == 1, "the client lost its server");
  return tst_pass();
}
