// zdtm: {"category": "sockets-unix", "verifies": "listeners whose path was deleted, one of them after it was renamed, still listen and leave both names free (SOCK_STREAM)"}
#include "named.h"

#ifndef TYPE
#define TYPE SOCK_STREAM
#endif

int main(void) {
  tst_begin();
  named_name one = named_path("one"), two = named_path("two"), moved = named_path("moved");
  int fds[] = {named_bound(TYPE, &one), named_bound(TYPE, &two)};
  for (int i = 0; i < 2; i++) tst_sys(listen(fds[i], 2));
  tst_sys(unlink("one"));
  tst_sys(rename("two", "moved"));
  tst_sys(unlink("moved"));
  tst_ready();
  TST_SPOIL close(named_bound(TYPE, &moved));
  static const char *const names[] = {"one", "two"};
  for (int i = 0; i < 2; i++) {
    struct sockaddr_un is = {0};
    socklen_t length = sizeof(is);
    int on = 0;
    tst_sys(getsockname(fds[i], (void *)&is, &length));
    tst_check(!strcmp(is.sun_path, names[i]), "the name is %s", is.sun_path);
    length = sizeof(on);
    tst_sys(getsockopt(fds[i], SOL_SOCKET, SO_ACCEPTCONN, &on, &length));
    tst_check(on, "%s does not listen", names[i]);
    tst_check(access(names[i], F_OK) == -1, "%s is there", names[i]);
  }
  tst_check(access("moved", F_OK) == -1, "moved is there");
  close(fds[0]);
  fds[0] = named_bound(TYPE, &one);
  tst_sys(listen(fds[0], 2));
  named_serves(fds[0], TYPE, &one);
  return tst_pass();
}
