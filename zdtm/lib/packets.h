/* Packet sockets on a loopback of the case's own. */
#ifndef PACKETS_H
#define PACKETS_H
#include "sockopts.h"

#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <sys/ioctl.h>

#define ETHERTYPE 0x88b6 /* for experiments */

static inline struct sockaddr_ll link_name(int protocol, int index) {
  return (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol), .sll_ifindex = index};
}

/* Sends text as a packet of the protocol over the loopback. */
static inline void link_send(int protocol, const char *text) {
  struct sockaddr_ll to = link_name(protocol, 1);
  int fd = tst_sys(socket(AF_PACKET, SOCK_DGRAM, 0));
  tst_sys(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to)));
  close(fd);
}

/* An attribute of packet_diag of a socket: its length, 0 when it has none. */
static inline int link_diag(int fd, int attribute, int show, void *into, int most) {
  struct stat st;
  tst_sys(fstat(fd, &st));
  struct {
    struct nlmsghdr head;
    struct packet_diag_req ask;
  } request = {{sizeof(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {.sdiag_family = AF_PACKET, .pdiag_show = (uint32_t)show}};
  int diag = tst_sys(socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG)), found = -1;
  tst_sys(send(diag, &request, sizeof(request), 0));
  for (bool done = false; !done;) {
    static char answer[65536];
    int got = (int)tst_sys(recv(diag, answer, sizeof(answer), 0));
    for (struct nlmsghdr *at = (void *)answer; NLMSG_OK(at, (unsigned)got); at = NLMSG_NEXT(at, got)) {
      if (at->nlmsg_type == NLMSG_DONE) done = true;
      if (at->nlmsg_type == NLMSG_ERROR) tst_skip("no packet_diag");
      struct packet_diag_msg *row = NLMSG_DATA(at);
      if (done || row->pdiag_ino != st.st_ino) continue;
      found = 0;
      int left = (int)(at->nlmsg_len - NLMSG_LENGTH(sizeof(*row)));
      for (struct nlattr *one = (void *)(row + 1); left >= (int)sizeof(*one) && one->nla_len >= sizeof(*one);) {
        if (one->nla_type == attribute) {
          found = one->nla_len - (int)sizeof(*one);
          memcpy(into, one + 1, (size_t)(found < most ? found : most));
        }
        left -= NLA_ALIGN(one->nla_len);
        one = (void *)((char *)one + NLA_ALIGN(one->nla_len));
      }
    }
  }
  close(diag);
  tst_check(found >= 0, "the kernel does not list the socket");
  return found;
}

#endif
