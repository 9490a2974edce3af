// zdtm: {"category": "sockets-unix", "verifies": "children that are connected to a datagram server whose path is gone still reach it, and its queue is kept"}
#include "named.h"

#define CHILDREN 3
static tst_step *go;
static named_name name;
static int server;

static int child(void *number) {
  close(server);
  int fd = named_client(SOCK_DGRAM, &name);
  char text[] = {'e', (char)('0' + (intptr_t)number)};
  tst_sys(send(fd, text, 2, 0));
  tst_raise(go);
  tst_await(go, 100);
  text[0] = 'l';
  tst_sys(send(fd, text, 2, 0));
  return 0;
}

int main(void) {
  tst_begin();
  go = tst_new_step();
  name = named_path("server");
  server = named_bound(SOCK_DGRAM, &name);
  pid_t pids[CHILDREN];
  for (intptr_t i = 0; i < CHILDREN; i++) {
    pids[i] = tst_child(child, (void *)i);
    tst_await(go, (int)i + 1);
  }
  tst_sys(unlink("server"));
  tst_ready();
  char text[8];
  TST_SPOIL tst_sys(recv(server, text, 8, 0));
  for (int i = 0; i < CHILDREN; i++)
    tst_check(recv(server, text, 8, MSG_DONTWAIT) == 2 && text[0] == 'e' && text[1] == '0' + i, "early datagram %d", i);
  tst_set(go, 100);
  for (int i = 0; i < CHILDREN; i++) {
    tst_check(tst_reap(pids[i]) == 0, "child %d failed", i);
    tst_check(recv(server, text, 8, MSG_DONTWAIT) == 2 && text[0] == 'l', "late datagram %d", i);
  }
  return tst_pass();
}
