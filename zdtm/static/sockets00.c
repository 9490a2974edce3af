// zdtm: {"category": "sockets-unix", "verifies": "a listener keeps its path, and the socket file its mode and owner; clients are let in"}
#include "named.h"

int main(void) {
  tst_begin();
  named_name name = named_path("listener");
  int fd = named_bound(SOCK_STREAM, &name);
  tst_sys(listen(fd, 7));
  tst_sys(chmod("listener", 0714));
  tst_sys(chown("listener", 21, 43));
  tst_ready();
  TST_SPOIL tst_sys(chmod("listener", 0777));
  struct stat is;
  tst_sys(stat("listener", &is));
  tst_check((is.st_mode & 0777) == 0714 && S_ISSOCK(is.st_mode) && is.st_uid == 21 && is.st_gid == 43,
            "mode %o, owner %d:%d", is.st_mode, is.st_uid, is.st_gid);
  named_serves(fd, SOCK_STREAM, &name);
  int on = 0;
  socklen_t length = sizeof(on);
  tst_sys(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &length));
  tst_check(on == 1, "the socket does not listen");
  return tst_pass();
}
