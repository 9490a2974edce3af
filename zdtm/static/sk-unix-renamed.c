// zdtm: {"category": "sockets-unix", "verifies": "a listener whose file was renamed is reached by the new name, and knows its old one"}
#include "named.h"

int main(void) {
  tst_begin();
  tst_sys(mkdir("dir", 0755));
  named_name old = named_path("old"), new = named_path("dir/new");
  int fd = named_bound(SOCK_STREAM, &old);
  tst_sys(listen(fd, 2));
  int client = named_client(SOCK_STREAM, &old), server = tst_sys(accept(fd, NULL, NULL));
  tst_sys(chmod("old", 0640));
  tst_sys(rename("old", "dir/new"));
  tst_ready();
  TST_SPOIL tst_sys(unlink("dir/new"));
  char text[8];
  tst_check(send(client, "x", 1, 0) == 1 && recv(server, text, 8, MSG_DONTWAIT) == 1, "the connection is lost");
  named_serves(fd, SOCK_STREAM, &new);
  struct stat file;
  tst_sys(stat("dir/new", &file));
  tst_check((file.st_mode & 0777) == 0640, "its mode is %o", file.st_mode);
  struct sockaddr_un is = {0};
  socklen_t length = sizeof(is);
  tst_sys(getsockname(fd, (void *)&is, &length));
  tst_check(!strcmp(is.sun_path, "old") && access("old", F_OK) == -1, "the name is %s", is.sun_path);
  return tst_pass();
}
