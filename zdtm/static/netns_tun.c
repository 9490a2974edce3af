// zdtm: {"category": "netns", "verifies": "tun and tap devices that stay without a program come back in a network namespace of the tree's own, with their kind, number and addresses, and programs can have them", "flavours": ["ns"], "needs": ["file:/dev/net/tun"]}
#include "inet.h"

#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

enum { DEVICES = 2 };
static const struct {
  const char *name;
  int flags;
} devices[DEVICES] = {{"stays", IFF_TUN}, {"taps", IFF_TAP | IFF_NO_PI}};

static int attach(int i) {
  struct ifreq it = {.ifr_flags = (short)devices[i].flags};
  int fd = tst_sys(open("/dev/net/tun", O_RDWR | O_NONBLOCK));
  strcpy(it.ifr_name, devices[i].name);
  if (ioctl(fd, TUNSETIFF, &it)) tst_die("%s cannot be had", devices[i].name);
  return fd;
}

static struct ifreq ask(int by, unsigned long request, const char *name) {
  struct ifreq it = {0};
  strcpy(it.ifr_name, name);
  if (ioctl(by, request, &it)) tst_die("%s has no answer to %#lx", name, request);
  return it;
}

int main(void) {
  tst_begin();
  int by = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)), numbers[DEVICES];
  struct ifreq hardware;
  for (int i = 0; i < DEVICES; i++) {
    int fd = attach(i);
    tst_sys(ioctl(fd, TUNSETPERSIST, 1));
    tst_sys(ioctl(fd, TUNSETOWNER, 1234));
    close(fd);
    struct ifreq it = {0};
    strcpy(it.ifr_name, devices[i].name);
    struct sockaddr_in own = {AF_INET, 0, {htonl(0x0a4d0001 + ((uint32_t)i << 8))}, {0}};
    memcpy(&it.ifr_addr, &own, sizeof(own));
    tst_sys(ioctl(by, SIOCSIFADDR, &it));
    it.ifr_flags = IFF_UP | IFF_RUNNING | IFF_NOARP;
    tst_sys(ioctl(by, SIOCSIFFLAGS, &it));
    numbers[i] = ask(by, SIOCGIFINDEX, devices[i].name).ifr_ifindex;
  }
  hardware = ask(by, SIOCGIFHWADDR, "taps");
  tst_ready();
  TST_SPOIL {
    int fd = attach(1);
    tst_sys(ioctl(fd, TUNSETPERSIST, 0));
    close(fd);
  }
  for (int i = 0; i < DEVICES; i++) {
    struct sockaddr_in own;
    struct ifreq it = ask(by, SIOCGIFADDR, devices[i].name);
    memcpy(&own, &it.ifr_addr, sizeof(own));
    tst_check(own.sin_addr.s_addr == htonl(0x0a4d0001 + ((uint32_t)i << 8)), "%s has another address", devices[i].name);
    tst_check(ask(by, SIOCGIFINDEX, devices[i].name).ifr_ifindex == numbers[i], "%s has another number", devices[i].name);
    short flags = ask(by, SIOCGIFFLAGS, devices[i].name).ifr_flags;
    tst_check((flags & (IFF_UP | IFF_NOARP)) == (IFF_UP | IFF_NOARP), "%s has the flags %hx", devices[i].name, flags);
  }
  struct ifreq is = ask(by, SIOCGIFHWADDR, "taps");
  tst_check(!memcmp(&is.ifr_hwaddr, &hardware.ifr_hwaddr, sizeof(is.ifr_hwaddr)), "the tap has another address");
  for (int i = 0; i < DEVICES; i++) close(attach(i));
  return tst_pass();
}
