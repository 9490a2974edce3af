// zdtm: {"category": "sockets-unix", "flavours": ["ns", "uns"], "verifies": "connected unix sockets whose path a mount covers still speak, and who finds the path again finds their listener", "needs": ["root"]}
#include "tst.h"

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(void) {
  tst_begin();
  struct sockaddr_un name = {AF_UNIX, "covered/socket"};
  char text[8];
  tst_sys(mkdir("covered", 0700));
  int listens = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0)), calls = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  tst_sys(bind(listens, (void *)&name, sizeof(name)));
  tst_sys(listen(listens, 4));
  tst_sys(connect(calls, (void *)&name, sizeof(name)));
  int serves = tst_sys(accept(listens, NULL, NULL));
  tst_sys(mount("none", "covered", "tmpfs", 0, NULL));
  tst_ready();
  TST_SPOIL tst_sys(shutdown(calls, SHUT_WR));
  for (int i = 0; i < 2; i++) {
    int from = i ? calls : serves, to = i ? serves : calls;
    tst_check(send(from, "words", 5, MSG_NOSIGNAL) == 5, "nothing is sent");
    tst_check(recv(to, text, sizeof(text), MSG_DONTWAIT) == 5, "nothing comes");
  }
  tst_check(access(name.sun_path, F_OK) == -1, "nothing covers it");
  tst_sys(umount("covered"));
  int late = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  tst_sys(connect(late, (void *)&name, sizeof(name)));
  tst_sys(accept(listens, NULL, NULL));
  return tst_pass();
}
