// zdtm: {"category": "netns", "notIn": {"uns": "/dev/net/tun is the machine's, and only its root opens it"}, "verifies": "tun and tap devices of one name in several network namespaces below the tree's, opened by a task that lives in none of these, lead to their own ones again", "needs": ["net", "file:/dev/net/tun"]}
#include "elsewhere.h"

#include <linux/if_tun.h>

enum { COUNT = 3 };
static const int kinds[COUNT] = {IFF_TUN | IFF_NO_PI, IFF_TUN, IFF_TAP | IFF_NO_PI};

static struct ifreq asked(int by, unsigned long request) {
  struct ifreq it = {.ifr_name = "tunnel"};
  if (ioctl(by, request, &it)) tst_die("the interface has no answer to %#lx", request);
  return it;
}

static struct sockaddr address(int self) {
  struct sockaddr_in it = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a4e0001 + ((uint32_t)self << 8))};
  struct sockaddr is;
  memcpy(&is, &it, sizeof(is));
  return is;
}

/* A device in the namespace that we are in, and a socket of that by which it is asked for. */
static int attach(int self, int *by) {
  struct ifreq it = {.ifr_flags = (short)kinds[self], .ifr_name = "tunnel"};
  int fd = tst_sys(open("/dev/net/tun", O_RDWR | O_NONBLOCK));
  *by = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  tst_sys(ioctl(fd, TUNSETIFF, &it));
  it.ifr_addr = address(self);
  tst_sys(ioctl(*by, SIOCSIFADDR, &it));
  it.ifr_netmask = (struct sockaddr){.sa_family = AF_INET, .sa_data = {0, 0, -1, -1, -1}};
  tst_sys(ioctl(*by, SIOCSIFNETMASK, &it));
  it.ifr_mtu = 1400 + self;
  tst_sys(ioctl(*by, SIOCSIFMTU, &it));
  it.ifr_flags = IFF_UP | IFF_RUNNING | IFF_NOARP;
  tst_sys(ioctl(*by, SIOCSIFFLAGS, &it));
  return fd;
}

/* Is it the wire of this socket's namespace? */
static bool carries(int fd, int by, int self) {
  char packet[2048], text[16];
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a4e0007 + ((uint32_t)self << 8)), .sin_port = htons(7)};
  ssize_t length = snprintf(text, sizeof(text), "to %d", self), heads = 28, got;
  if (kinds[self] & IFF_TAP) heads += 14;
  if (!(kinds[self] & IFF_NO_PI)) heads += 4;
  tst_sys(sendto(by, text, (size_t)length, 0, (struct sockaddr *)&to, sizeof(to)));
  /* of IPv6 the kernel has something to say itself */
  while ((got = read(fd, packet, sizeof(packet))) > 0)
    if (got == heads + length && !memcmp(packet + got - length, text, (size_t)length)) return true;
  return false;
}

int main(void) {
  tst_begin();
  int home = tst_sys(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)), fds[COUNT], by[COUNT], numbers[COUNT];
  pid_t pids[COUNT];
  for (int i = 0; i < COUNT; i++) {
    pids[i] = elsewhere_holder(false);
    int there = elsewhere_of(pids[i]);
    elsewhere_enter(there);
    fds[i] = attach(i, &by[i]);
    numbers[i] = asked(by[i], SIOCGIFINDEX).ifr_ifindex;
    elsewhere_enter(home);
    close(there);
  }
  close(home);
  tst_ready();
  TST_SPOIL tst_sys(dup2(fds[0], fds[1]));
  for (int i = 0; i < COUNT; i++) {
    struct ifreq it = {0};
    int there = elsewhere_of(pids[i]);
    tst_sys(ioctl(fds[i], TUNGETIFF, &it));
    tst_check(!strcmp(it.ifr_name, "tunnel") && (it.ifr_flags & (IFF_TUN | IFF_TAP)) == (kinds[i] & ~IFF_NO_PI), "descriptor %d is of %s, %hx", i, it.ifr_name, it.ifr_flags);
    tst_check(elsewhere_is(fds[i]) == elsewhere_inode(there), "the device %d is elsewhere", i);
    tst_check(elsewhere_is(by[i]) == elsewhere_inode(there), "the socket %d is elsewhere", i);
    tst_check(asked(by[i], SIOCGIFMTU).ifr_mtu == 1400 + i, "packets of %d have another size", i);
    tst_check(asked(by[i], SIOCGIFINDEX).ifr_ifindex == numbers[i], "%d has another number", i);
    for (int j = 0; j < COUNT; j++) tst_check(carries(fds[i], by[j], j) == (i == j), "the wire %d carries what is for %d", i, j);
    close(there);
  }
  for (int i = 0; i < COUNT; i++) tst_end(pids[i]);
  return tst_pass();
}
