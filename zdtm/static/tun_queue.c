// zdtm: {"category": "netns", "verifies": "packets that wait unread in tun and tap devices stay, with their headers, and so do the filter of a tap device and what a tun device takes of segments", "needs": ["net", "file:/dev/net/tun", "file:/sys/kernel/btf/vmlinux"]}
#include "inet.h"

#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

enum { DEVICES = 3, PACKETS = 4 };
static const struct {
  const char *name;
  int flags, head;
} devices[DEVICES] = {{"plain", IFF_TUN, 4}, {"headed", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, 10}, {"tapped", IFF_TAP | IFF_NO_PI, 14}};
static int by;

static int attach(int i) {
  struct ifreq it = {.ifr_flags = (short)devices[i].flags};
  int fd = tst_sys(open("/dev/net/tun", O_RDWR | O_NONBLOCK));
  strcpy(it.ifr_name, devices[i].name);
  tst_sys(ioctl(fd, TUNSETIFF, &it));
  struct sockaddr_in own = {AF_INET, 0, {htonl(0x0a4d0001 + ((uint32_t)i << 8))}, {0}};
  memcpy(&it.ifr_addr, &own, sizeof(own));
  tst_sys(ioctl(by, SIOCSIFADDR, &it));
  own.sin_addr.s_addr = htonl(0xffffff00);
  memcpy(&it.ifr_netmask, &own, sizeof(own));
  tst_sys(ioctl(by, SIOCSIFNETMASK, &it));
  it.ifr_flags = IFF_UP | IFF_RUNNING | (short)(i == 2 ? IFF_NOARP : 0);
  tst_sys(ioctl(by, SIOCSIFFLAGS, &it));
  return fd;
}

/* The next datagram's port and the text in it; what the kernel has to say itself is passed over. */
static int next(int fd, int i, char *text) {
  uint8_t packet[4096];
  for (;;) {
    ssize_t size = read(fd, packet, sizeof(packet));
    if (size < 0) return -1;
    struct iphdr *ip = (void *)(packet + devices[i].head);
    struct udphdr *udp = (void *)(ip + 1);
    if (ip->version != 4 || ip->protocol != IPPROTO_UDP) continue;
    if (i == 0) tst_check(packet[2] == 8 && packet[3] == 0, "the protocol is %02x%02x", packet[2], packet[3]);
    struct virtio_net_hdr *head = (void *)packet;
    if (i == 1) tst_check(head->flags == VIRTIO_NET_HDR_F_NEEDS_CSUM && head->csum_start == 20, "the checksum is told otherwise: %d at %d", head->flags, head->csum_start);
    snprintf(text, 64, "%.*s", (int)(size - devices[i].head - 28), (char *)(udp + 1));
    return ntohs(udp->dest);
  }
}

static void say(int i, int port, const char *text) {
  struct sockaddr_in far = {AF_INET, htons((uint16_t)port), {htonl(0x0a4d0002 + ((uint32_t)i << 8))}, {0}};
  tst_sys(sendto(by, text, strlen(text), 0, (struct sockaddr *)&far, sizeof(far)));
}

static unsigned sums(const char *name) {
  struct ethtool_value value = {.cmd = ETHTOOL_GTXCSUM};
  struct ifreq it = {.ifr_data = (char *)&value};
  strcpy(it.ifr_name, name);
  tst_sys(ioctl(by, SIOCETHTOOL, &it));
  return value.data;
}

int main(void) {
  tst_begin();
  by = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  int fds[DEVICES];
  char text[64], wanted[64];
  for (int i = 0; i < DEVICES; i++) fds[i] = attach(i);
  tst_sys(ioctl(fds[1], TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4));
  /* of the tap: what goes to port 7 does not pass; the port lies at byte 36 */
  struct sock_filter code[] = {{BPF_LD | BPF_H | BPF_ABS, 0, 0, 36}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 7}, {BPF_RET | BPF_K, 0, 0, 0}, {BPF_RET | BPF_K, 0, 0, 0xffff}};
  struct sock_fprog program = {4, code};
  tst_sys(ioctl(fds[2], TUNATTACHFILTER, &program));
  for (int i = 0; i < DEVICES; i++)
    for (int n = 0; n < PACKETS; n++) {
      snprintf(text, sizeof(text), "device %d, packet %d", i, n);
      say(i, 1000 + n, text);
    }
  tst_ready();
  TST_SPOIL next(fds[2], 2, text);
  for (int i = 0; i < DEVICES; i++) {
    for (int n = 0; n < PACKETS; n++) {
      int port = next(fds[i], i, text);
      snprintf(wanted, sizeof(wanted), "device %d, packet %d", i, n);
      tst_check(port == 1000 + n && !strcmp(text, wanted), "packet %d of device %d goes to port %d and says \"%s\"", n, i, port, text);
    }
    tst_check(next(fds[i], i, text) == -1, "device %d holds more", i);
  }
  tst_check(sums("headed") && !sums("plain"), "checksums are made by another: %u, %u", sums("headed"), sums("plain"));
  say(2, 7, "no");
  say(2, 8, "yes");
  tst_check(next(fds[2], 2, text) == 8 && !strcmp(text, "yes"), "the filter lets pass \"%s\"", text);
  return tst_pass();
}
