// zdtm: {"category": "netns", "verifies": "a tree in a network namespace of its own, with a loopback, has its sockets of every kind there, and what it has set for the network", "needs": ["root"], "flavours": ["h"]}
#include "netns.h"

#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <sys/un.h>

int main(void) {
  tst_begin();
  enum { UDP, TCP, PACKET, NETLINK, LOCAL, SOCKETS };
  int home = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  close(home);
  netns_leave();
  netns_sysctl("ipv4/ip_forward", "1");
  netns_sysctl("ipv4/ip_default_ttl", "33");
  netns_sysctl("core/somaxconn", "1234");
  netns_sysctl("ipv6/conf/lo/hop_limit", "17");
  int fds[SOCKETS];
  inet_name name = inet_loopback(AF_INET), udp;
  name.four.sin_port = htons(80); /* the machine may have it */
  struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "\0in a network of its own"};
  socklen_t length = offsetof(struct sockaddr_un, sun_path) + 24;
  fds[UDP] = inet_bound(AF_INET, SOCK_DGRAM, &udp);
  tst_sys(sendto(fds[UDP], "waits", 5, 0, &udp.any, sizeof(udp.four)));
  fds[TCP] = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  tst_sys(bind(fds[TCP], &name.any, sizeof(name.four)));
  tst_sys(listen(fds[TCP], 3));
  fds[PACKET] = tst_sys(socket(AF_PACKET, SOCK_DGRAM, htons(0x88b6)));
  fds[NETLINK] = tst_sys(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  tst_sys(bind(fds[NETLINK], (struct sockaddr *)&(struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = 4711}, sizeof(struct sockaddr_nl)));
  fds[LOCAL] = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  tst_sys(bind(fds[LOCAL], (struct sockaddr *)&local, length));
  tst_sys(listen(fds[LOCAL], 3));
  tst_ready();
  TST_SPOIL netns_sysctl("ipv4/ip_default_ttl", "34");
  struct stat own, of;
  tst_sys(stat("/proc/self/ns/net", &own));
  for (int i = 0; i < SOCKETS; i++) {
    int fd = tst_sys(ioctl(fds[i], 0x894c /* SIOCGSKNS */));
    tst_sys(fstat(fd, &of));
    close(fd);
    tst_check(of.st_ino == own.st_ino, "socket %d is in another namespace", i);
  }
  tst_check(netns_sysctl("ipv4/ip_forward", NULL) == 1 && netns_sysctl("ipv4/ip_default_ttl", NULL) == 33 &&
                netns_sysctl("core/somaxconn", NULL) == 1234 && netns_sysctl("ipv6/conf/lo/hop_limit", NULL) == 17,
            "the network is set otherwise");
  char text[16];
  tst_check(recv(fds[UDP], text, sizeof(text), MSG_DONTWAIT) == 5, "the datagram is lost");
  inet_serves(fds[TCP], &name);
  int client = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  tst_sys(connect(client, (struct sockaddr *)&local, length));
  return tst_pass();
}
