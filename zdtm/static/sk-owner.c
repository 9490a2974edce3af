// zdtm: {"category": "sockets-other", "verifies": "sockets of a program that gave up root belong to its user, those from before to root", "needs": ["root"]}
#include "inet.h"

#include <linux/netlink.h>

static void belongs(int fd, uid_t user, gid_t group) {
  struct stat st;
  tst_sys(fstat(fd, &st));
  tst_check(st.st_uid == user && st.st_gid == group, "socket %d belongs to %u:%u", fd, st.st_uid, st.st_gid);
}

int main(void) {
  tst_begin();
  inet_name name, listens;
  int root = inet_bound(AF_INET, SOCK_DGRAM, &name);
  tst_sys(setresgid(1234, 1234, 1234));
  tst_sys(setresuid(4321, 4321, 4321));
  int udp = inet_bound(AF_INET, SOCK_DGRAM, &name), tcp = inet_bound(AF_INET, SOCK_STREAM, &listens),
      netlink = tst_sys(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), fresh = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  tst_sys(listen(tcp, 2));
  tst_ready();
  TST_SPOIL tst_check(dup2(root, udp) == udp, "dup2");
  belongs(root, 0, 0);
  belongs(udp, 4321, 1234);
  belongs(tcp, 4321, 1234);
  belongs(netlink, 4321, 1234);
  belongs(fresh, 4321, 1234);
  inet_serves(tcp, &listens);
  return tst_pass();
}
