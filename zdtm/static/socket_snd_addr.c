// zdtm: {"category": "sockets-unix", "verifies": "each datagram in a queue keeps its sender's address: paths, abstract ones, of closed senders, and none"}
#include "named.h"

int main(void) {
  tst_begin();
  named_name name = named_abstract("server");
  named_name senders[] = {named_path("there"), named_abstract("there"), named_path("closed"), named_abstract("closed")};
  int fd = named_bound(SOCK_DGRAM, &name), none = tst_sys(socket(AF_UNIX, SOCK_DGRAM, 0));
  for (int i = 0; i < 4; i++) {
    int sender = named_bound(SOCK_DGRAM, &senders[i]);
    tst_sys(sendto(sender, &"abcd"[i], 1, 0, (void *)&name.address, name.length));
    if (i > 1) close(sender);
  }
  tst_sys(sendto(none, "e", 1, 0, (void *)&name.address, name.length));
  tst_ready();
  char text[8];
  TST_SPOIL tst_sys(recv(fd, text, 8, 0));
  for (int i = 0; i < 5; i++) {
    struct sockaddr_un from = {0};
    socklen_t length = sizeof(from);
    tst_check(recvfrom(fd, text, 8, MSG_DONTWAIT, (void *)&from, &length) == 1 && text[0] == "abcde"[i], "datagram %d", i);
    if (i == 4) tst_check(length <= sizeof(sa_family_t), "the last one has a sender");
    else
      tst_check(length == senders[i].length && !memcmp(&from, &senders[i].address, length), "datagram %d comes from %s%s", i,
                from.sun_path, from.sun_path + 1);
  }
  return tst_pass();
}
