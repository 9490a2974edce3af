// zdtm: {"category": "netns", "verifies": "both ends of a TCP connection in another network namespace, to which a file leads, come back in it", "needs": ["net"], "flavours": ["h"], "opts": ["--tcp-established"]}
#include "elsewhere.h"

int main(void) {
  tst_begin();
  int home = elsewhere_of(getpid()), file = tst_sys(open("away", O_CREAT | O_CLOEXEC, 0600));
  close(file);
  pid_t holder = elsewhere_holder(false);
  int away = elsewhere_of(holder);
  char path[64], text[16] = "";
  snprintf(path, sizeof(path), "/proc/%d/ns/net", holder);
  tst_sys(mount(path, "away", NULL, MS_BIND, NULL));
  tst_end(holder);
  elsewhere_enter(away);
  inet_name name;
  int listener = inet_bound(AF_INET, SOCK_STREAM, &name), client = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  tst_sys(listen(listener, 1));
  tst_sys(connect(client, &name.any, sizeof(name.four)));
  int server = tst_sys(accept(listener, NULL, NULL));
  elsewhere_enter(home);
  ino_t inode = elsewhere_inode(away);
  close(away);
  close(home);
  tst_sys(send(client, "before", 6, 0));
  tst_ready();
  TST_SPOIL tst_sys(shutdown(client, SHUT_WR));
  tst_check(elsewhere_is(client) == inode && elsewhere_is(server) == inode, "the connection is in another namespace");
  tst_check(send(client, " after", 6, MSG_NOSIGNAL) == 6, "nothing is sent");
  tst_check(recv(server, text, 12, MSG_WAITALL) == 12 && !memcmp(text, "before after", 12), "it comes as '%.12s'", text);
  tst_check(send(server, "back", 4, MSG_NOSIGNAL) == 4 && recv(client, text, 4, MSG_WAITALL) == 4, "nothing comes back");
  tst_sys(umount2("away", MNT_DETACH));
  return tst_pass();
}
