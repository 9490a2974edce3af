// zdtm: {"category": "sockets-unix", "verifies": "sockets in flight in each other's queues, and one in its own, come back as that loop"}
#include "named.h"
#include "scm.h"

int main(void) {
  tst_begin();
  named_name names[] = {named_path("a"), named_path("b"), named_path("own")};
  int fds[3], got[SCM_MOST], again[SCM_MOST];
  for (int i = 0; i < 3; i++) fds[i] = named_bound(SOCK_DGRAM, &names[i]);
  int client = tst_sys(socket(AF_UNIX, SOCK_DGRAM, 0));
  scm_send_to(client, &names[0].address, names[0].length, "b in a", &fds[1], 1, 1);
  scm_send_to(client, &names[1].address, names[1].length, "a in b", &fds[0], 1, 1);
  scm_send_to(client, &names[2].address, names[2].length, "own", &fds[2], 1, 1);
  close(fds[1]);
  tst_ready();
  TST_SPOIL scm_take(fds[2], "own", got);
  tst_check(scm_take(fds[2], "own", got) == 1, "the socket in its own queue is lost");
  scm_send_to(client, &names[2].address, names[2].length, "hello", &client, 1, 1);
  tst_check(scm_take(got[0], "hello", again) == 1, "what is sent to it is lost");
  tst_check(scm_take(fds[0], "b in a", got) == 1, "b is not in a");
  tst_check(scm_take(got[0], "a in b", again) == 1, "a is not in b");
  scm_send_to(client, &names[0].address, names[0].length, "to a", &client, 1, 1);
  tst_check(scm_take(again[0], "to a", got) == 1, "what came out of b is not a");
  return tst_pass();
}
