// zdtm: {"category": "sockets-unix", "verifies": "sockets at one path in turn, in directories that are gone or were made anew, keep their own partners (SOCK_STREAM)"}
#include "named.h"

#ifndef TYPE
#define TYPE SOCK_STREAM
#endif

/* Listener, client and server, with "early" on its way to the server. */
static void make(const named_name *name, int fds[3]) {
  fds[0] = named_bound(TYPE, name);
  tst_sys(listen(fds[0], 4));
  tst_check((fds[1] = named_client(TYPE, name)) >= 0, "not let in");
  fds[2] = tst_sys(accept(fds[0], NULL, NULL));
  tst_sys(send(fds[1], "early", 5, 0));
}

int main(void) {
  tst_begin();
  named_name name = named_path("dir/sock"), datagram = named_path("dir/datagram");
  int first[3], second[3], third[3];
  tst_sys(mkdir("dir", 0755));
  make(&name, first);
  tst_sys(unlink("dir/sock"));
  make(&name, second);
  int old = named_bound(SOCK_DGRAM, &datagram), client = named_client(SOCK_DGRAM, &datagram);
  tst_sys(unlink("dir/sock"));
  tst_sys(unlink("dir/datagram"));
  tst_sys(rmdir("dir"));
  tst_sys(mkdir("dir", 0755));
  make(&name, third);
  tst_ready();
  char text[16];
  TST_SPOIL tst_sys(recv(second[2], text, 5, 0));
  int *const all[] = {first, second, third};
  for (int i = 0; i < 3; i++) {
    tst_check(recv(all[i][2], text, 16, MSG_DONTWAIT) == 5, "server %d lost what waited", i);
    tst_check(send(all[i][2], &"012"[i], 1, 0) == 1 && recv(all[i][1], text, 8, MSG_DONTWAIT) == 1 && text[0] == '0' + i,
              "client %d has another partner", i);
  }
  tst_check(send(client, "d", 1, 0) == 1 && recv(old, text, 8, MSG_DONTWAIT) == 1, "the datagram client lost its server");
  named_serves(third[0], TYPE, &name);
  return tst_pass();
}
