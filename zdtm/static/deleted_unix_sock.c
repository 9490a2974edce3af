// zdtm: {"category": "sockets-unix", "verifies": "a connection through a path that was deleted since passes data both ways"}
#include "named.h"

int main(void) {
  tst_begin();
  named_name name = named_path("gone");
  int listener = named_bound(SOCK_STREAM, &name);
  tst_sys(listen(listener, 2));
  int client = named_client(SOCK_STREAM, &name), server = tst_sys(accept(listener, NULL, NULL));
  tst_sys(unlink("gone"));
  close(listener);
  tst_sys(send(client, "early", 5, 0));
  tst_ready();
  char text[16];
  TST_SPOIL tst_sys(recv(server, text, 5, 0));
  tst_sys(send(client, "late", 4, 0));
  tst_check(recv(server, text, 16, MSG_DONTWAIT) == 9 && !memcmp(text, "earlylate", 9), "the server hears something else");
  tst_check(send(server, "back", 4, 0) == 4 && recv(client, text, 16, MSG_DONTWAIT) == 4, "the client hears nothing");
  struct sockaddr_un is = {0};
  socklen_t length = sizeof(is);
  tst_sys(getpeername(client, (void *)&is, &length));
  tst_check(!strcmp(is.sun_path, "gone") && access("gone", F_OK) == -1, "the name is %s", is.sun_path);
  return tst_pass();
}
