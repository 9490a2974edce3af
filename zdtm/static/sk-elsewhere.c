// zdtm: {"category": "netns", "verifies": "sockets in another network namespace, to which a file leads, come back in it: UDP with its queue, TCP, raw, packet and netlink", "needs": ["net"], "flavours": ["h"]}
#include "elsewhere.h"

#include <linux/if_packet.h>
#include <linux/netlink.h>

int main(void) {
  tst_begin();
  enum { UDP, TCP, RAW, PACKET, NETLINK, SOCKETS };
  inet_name name = inet_loopback(AF_INET);
  name.four.sin_port = htons(7070);
  int fds[SOCKETS], home = elsewhere_of(getpid()), file = tst_sys(open("away", O_CREAT | O_CLOEXEC, 0600));
  close(file);
  pid_t holder = elsewhere_holder(false);
  int away = elsewhere_of(holder);
  char path[64], text[16];
  snprintf(path, sizeof(path), "/proc/%d/ns/net", holder);
  tst_sys(mount(path, "away", NULL, MS_BIND, NULL));
  tst_end(holder);
  int here = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)); /* the same address, at home */
  tst_sys(bind(here, &name.any, sizeof(name.four)));
  elsewhere_enter(away);
  fds[UDP] = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  fds[TCP] = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  fds[RAW] = tst_sys(socket(AF_INET, SOCK_RAW, 253));
  fds[PACKET] = tst_sys(socket(AF_PACKET, SOCK_DGRAM, 0));
  fds[NETLINK] = tst_sys(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  tst_sys(bind(fds[UDP], &name.any, sizeof(name.four)));
  tst_sys(bind(fds[TCP], &name.any, sizeof(name.four)));
  tst_sys(listen(fds[TCP], 3));
  tst_sys(connect(fds[RAW], &name.any, sizeof(name.four)));
  tst_sys(bind(fds[PACKET], (struct sockaddr *)&(struct sockaddr_ll){.sll_family = AF_PACKET, .sll_protocol = htons(0x88b6), .sll_ifindex = 1},
               sizeof(struct sockaddr_ll)));
  tst_sys(bind(fds[NETLINK], (struct sockaddr *)&(struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = 4711}, sizeof(struct sockaddr_nl)));
  tst_sys(sendto(fds[UDP], "waits", 5, 0, &name.any, sizeof(name.four)));
  elsewhere_enter(home);
  ino_t inode = elsewhere_inode(away), own = elsewhere_inode(home);
  close(away);
  close(home);
  tst_ready();
  TST_SPOIL {
    close(fds[NETLINK]);
    tst_check(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) == fds[NETLINK], "another number");
  }
  for (int i = 0; i < SOCKETS; i++) tst_check(elsewhere_is(fds[i]) == inode, "socket %d is in another namespace", i);
  tst_check(elsewhere_is(here) == own, "the socket at home is away");
  tst_check(recv(fds[UDP], text, sizeof(text), MSG_DONTWAIT) == 5, "the datagram is lost");
  tst_check(recv(here, text, sizeof(text), MSG_DONTWAIT) == -1, "the datagram is at home");
  tst_sys(send(fds[RAW], "raw", 3, 0));
  tst_check(recv(fds[RAW], text, sizeof(text), MSG_DONTWAIT) > 0, "the raw socket hears nothing");
  away = tst_sys(open("away", O_RDONLY));
  home = elsewhere_of(getpid());
  elsewhere_enter(away);
  inet_serves(fds[TCP], &name);
  elsewhere_enter(home);
  tst_sys(umount2("away", MNT_DETACH));
  return tst_pass();
}
