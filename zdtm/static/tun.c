// zdtm: {"category": "netns", "notIn": {"uns": "/dev/net/tun is the machine's, and only its root opens it"}, "verifies": "tun and tap devices come back with addresses, routes, size, owner and queues, and carry packets both ways", "needs": ["net", "file:/dev/net/tun"]}
#include "inet.h"

#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

static int attach(const char *name, int flags) {
  struct ifreq it = {.ifr_flags = (short)flags};
  int fd = tst_sys(open("/dev/net/tun", O_RDWR | O_NONBLOCK));
  strcpy(it.ifr_name, name);
  tst_sys(ioctl(fd, TUNSETIFF, &it));
  return fd;
}

static struct ifreq ask(int by, unsigned long request, const char *name) {
  struct ifreq it = {0};
  strcpy(it.ifr_name, name);
  if (ioctl(by, request, &it)) tst_die("%s has no answer to %#lx", name, request);
  return it;
}

static struct ifreq attached_to(int fd) {
  struct ifreq it = {0};
  tst_sys(ioctl(fd, TUNGETIFF, &it));
  return it;
}

static struct sockaddr address(const char *text) {
  struct sockaddr_in it = {.sin_family = AF_INET};
  tst_check(inet_pton(AF_INET, text, &it.sin_addr) == 1, "no address");
  struct sockaddr is;
  memcpy(&is, &it, sizeof(is));
  return is;
}

static uint16_t checksum(const uint8_t *bytes, size_t count) {
  uint32_t sum = 0;
  for (size_t i = 0; i < count; i += 2) sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

/* A datagram from the wire: from 10.77.0.2 to 10.77.0.1. */
static void comes(int wire, uint16_t port, const char *text) {
  struct {
    struct iphdr ip;
    struct udphdr udp;
    char text[8];
  } packet = {.ip = {.version = 4, .ihl = 5, .ttl = 9, .protocol = IPPROTO_UDP}};
  size_t size = sizeof(packet.ip) + sizeof(packet.udp) + strlen(text);
  packet.ip.tot_len = htons((uint16_t)size);
  packet.ip.saddr = inet_addr("10.77.0.2");
  packet.ip.daddr = inet_addr("10.77.0.1");
  packet.ip.check = checksum((uint8_t *)&packet.ip, sizeof(packet.ip));
  packet.udp.source = htons(99);
  packet.udp.dest = htons(port);
  packet.udp.len = htons((uint16_t)(sizeof(packet.udp) + strlen(text)));
  memcpy(packet.text, text, strlen(text));
  tst_sys(write(wire, &packet, size));
}

/* Whether the kernel tells a number (IFLA_TUN_*) of a device. */
static bool told(int index, uint16_t attribute, uint32_t value) {
  struct {
    struct nlmsghdr head;
    struct ifinfomsg link;
  } question = {{sizeof(question), RTM_GETLINK, NLM_F_REQUEST, 1, 0}, {.ifi_index = index}};
  struct {
    struct nlattr head;
    uint32_t value;
  } wanted = {{8, attribute}, value};
  char answer[8192];
  int fd = tst_sys(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  tst_sys(send(fd, &question, sizeof(question), 0));
  ssize_t got = tst_sys(recv(fd, answer, sizeof(answer), 0));
  close(fd);
  return memmem(answer, (size_t)got, &wanted, sizeof(wanted)) != NULL;
}

int main(void) {
  tst_begin();
  int by = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)), free_one = tst_sys(open("/dev/net/tun", O_RDWR)), sends = 77777;
  int wire = attach("tunnel", IFF_TUN | IFF_NO_PI);
  struct ifreq it = {.ifr_name = "tunnel"};
  tst_sys(ioctl(wire, TUNSETOWNER, 1234));
  tst_sys(ioctl(wire, TUNSETGROUP, 4321));
  tst_sys(ioctl(wire, TUNSETSNDBUF, &sends));
  it.ifr_mtu = 1280;
  tst_sys(ioctl(by, SIOCSIFMTU, &it));
  it.ifr_addr = address("10.77.0.1");
  tst_sys(ioctl(by, SIOCSIFADDR, &it));
  it.ifr_netmask = address("255.255.255.0");
  tst_sys(ioctl(by, SIOCSIFNETMASK, &it));
  it.ifr_flags = IFF_UP | IFF_RUNNING;
  tst_sys(ioctl(by, SIOCSIFFLAGS, &it));
  struct {
    struct in6_addr address;
    uint32_t bits;
    int index;
  } six = {.bits = 64, .index = ask(by, SIOCGIFINDEX, "tunnel").ifr_ifindex};
  int by6 = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0));
  tst_check(inet_pton(AF_INET6, "fd77::1", &six.address) == 1, "no address");
  tst_sys(ioctl(by6, SIOCSIFADDR, &six));
  struct rtentry route = {.rt_dst = address("10.99.0.0"), .rt_genmask = address("255.255.0.0"), .rt_gateway = address("10.77.0.7"),
                          .rt_flags = RTF_UP | RTF_GATEWAY, .rt_metric = 5};
  tst_sys(ioctl(by, SIOCADDRT, &route));
  /* a tap with two queues, one of them detached; and one that stays without anybody */
  int queues[2];
  for (int i = 0; i < 2; i++) queues[i] = attach("tapper", IFF_TAP | IFF_MULTI_QUEUE | IFF_VNET_HDR);
  tst_sys(ioctl(queues[1], TUNSETQUEUE, &(struct ifreq){.ifr_flags = IFF_DETACH_QUEUE}));
  tst_sys(ioctl(queues[0], TUNSETVNETHDRSZ, &(int){12}));
  int stays = attach("stayer", IFF_TUN);
  tst_sys(ioctl(stays, TUNSETPERSIST, 1));
  struct sockaddr hardware = ask(by, SIOCGIFHWADDR, "tapper").ifr_hwaddr;
  int numbers[] = {ask(by, SIOCGIFINDEX, "tunnel").ifr_ifindex, ask(by, SIOCGIFINDEX, "tapper").ifr_ifindex};
  inet_name name = {.four = {.sin_family = AF_INET, .sin_port = htons(7077)}};
  int hears = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  tst_sys(bind(hears, &name.any, sizeof(name.four)));
  tst_ready();
  TST_SPOIL {
    it.ifr_addr = address("10.77.0.3");
    tst_sys(ioctl(by, SIOCSIFADDR, &it));
  }
  struct ifreq is = {0};
  tst_check(ioctl(free_one, TUNGETIFF, &is) == -1, "the free one is attached to %s", is.ifr_name);
  is = attached_to(wire);
  tst_check(!strcmp(is.ifr_name, "tunnel") && (is.ifr_flags & (IFF_TUN | IFF_NO_PI)) == (IFF_TUN | IFF_NO_PI), "it is attached to %s, %hx",
            is.ifr_name, is.ifr_flags);
  tst_sys(ioctl(wire, TUNGETSNDBUF, &sends));
  tst_check(sends == 77777, "its buffer is %d", sends);
  tst_check(ask(by, SIOCGIFMTU, "tunnel").ifr_mtu == 1280, "packets may be %d long", ask(by, SIOCGIFMTU, "tunnel").ifr_mtu);
  for (int i = 0; i < 2; i++) {
    is = attached_to(queues[i]);
    tst_check(!strcmp(is.ifr_name, "tapper"), "queue %d is of %s", i, is.ifr_name);
    tst_check(!(is.ifr_flags & IFF_DETACH_QUEUE) == (i == 0), "queue %d is %hx", i, is.ifr_flags);
  }
  tst_check(told(numbers[0], 1, 1234) && told(numbers[0], 2, 4321), "it belongs to somebody else");
  inet_name here = {.six = {.sin6_family = AF_INET6, .sin6_addr = six.address}};
  tst_check(bind(by6, &here.any, sizeof(here.six)) == 0, "the address of IPv6 is gone: %s", strerror(errno));
  int header = 0;
  tst_sys(ioctl(queues[0], TUNGETVNETHDRSZ, &header));
  tst_check(header == 12, "headers have %d bytes", header);
  tst_check(attached_to(stays).ifr_flags & IFF_PERSIST, "it does not stay");
  struct sockaddr hardware_is = ask(by, SIOCGIFHWADDR, "tapper").ifr_hwaddr;
  tst_check(!memcmp(&hardware_is, &hardware, sizeof(hardware)), "the tap has another address");
  tst_check(ask(by, SIOCGIFINDEX, "tunnel").ifr_ifindex == numbers[0] && ask(by, SIOCGIFINDEX, "tapper").ifr_ifindex == numbers[1],
            "the interfaces have other numbers");
  char text[2048];
  comes(wire, 7077, "in");
  tst_until(recv(hears, text, sizeof(text), MSG_DONTWAIT) == 2, "what comes from the wire is not heard");
  struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(1)};
  for (int i = 0; i < 2; i++) {
    far.sin_addr.s_addr = inet_addr(i ? "10.99.3.4" : "10.77.0.5"); /* a neighbour, and somebody behind the gateway */
    tst_sys(sendto(by, "out", 3, 0, (struct sockaddr *)&far, sizeof(far)));
    struct iphdr *head = (void *)text;
    ssize_t got;
    do tst_until((got = read(wire, text, sizeof(text))) > 0, "nothing goes out to the wire");
    while (head->version != 4); /* of IPv6 the kernel has something to say itself */
    tst_check(got == 31 && head->daddr == far.sin_addr.s_addr && head->saddr == inet_addr("10.77.0.1"), "another packet goes out");
  }
  tst_sys(ioctl(stays, TUNSETPERSIST, 0));
  return tst_pass();
}
