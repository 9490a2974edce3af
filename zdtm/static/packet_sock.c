// zdtm: {"category": "sockets-other", "verifies": "packet sockets keep protocol, interface, options, memberships, filter, rings and their group, and hear what they heard", "needs": ["net"]}
#include "packets.h"

#include <linux/filter.h>
#include <net/ethernet.h>

#define PKT(name, value) SOCKOPT(SOL_PACKET, PACKET_##name, value)
static const sockopt bound[] = {PKT(VERSION, TPACKET_V2), PKT(RESERVE, 32), PKT(AUXDATA, 1), PKT(ORIGDEV, 1)};
static const sockopt free_[] = {PKT(LOSS, 1), PKT(VNET_HDR, 1), PKT(TIMESTAMP, 16), PKT(IGNORE_OUTGOING, 1), PKT(QDISC_BYPASS, 1)};
static const struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
                                          BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0)};

static void join(int fd, int type, const uint8_t *address) {
  struct packet_mreq it = {.mr_ifindex = 1, .mr_type = (uint16_t)type, .mr_alen = address ? 6 : 0};
  if (address) memcpy(it.mr_address, address, 6);
  tst_sys(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &it, sizeof(it)));
}

static int compare(const void *a, const void *b) { return memcmp(a, b, sizeof(struct packet_diag_mclist)); }

static int memberships(int fd, struct packet_diag_mclist *list) {
  int count = link_diag(fd, PACKET_DIAG_MCLIST, PACKET_SHOW_MCLIST, list, 8 * sizeof(*list)) / (int)sizeof(*list);
  for (int i = 0; i < count; i++) /* beyond an address's end lies anything */
    memset(list[i].pdmc_addr + list[i].pdmc_alen, 0, sizeof(list[i].pdmc_addr) - list[i].pdmc_alen);
  qsort(list, (size_t)count, sizeof(*list), compare);
  return count;
}

static void name_is(int fd, int protocol, int index, const char *who) {
  struct sockaddr_ll is = {0};
  socklen_t length = sizeof(is);
  tst_sys(getsockname(fd, (struct sockaddr *)&is, &length));
  tst_check(ntohs(is.sll_protocol) == protocol && is.sll_ifindex == index, "%s hears %#x on %d", who, ntohs(is.sll_protocol),
            is.sll_ifindex);
}

int main(void) {
  tst_begin();
  static const uint8_t group[] = {1, 2, 3, 4, 5, 6};
  struct sockaddr_ll name = link_name(ETHERTYPE, 1);
  struct sock_fprog filter = {4, (struct sock_filter *)code};
  struct tpacket_req3 ring = {.tp_block_size = 8192, .tp_block_nr = 3, .tp_frame_size = 2048, .tp_frame_nr = 12};
  struct packet_diag_mclist was[8] = {0}, is[8] = {0};
  int raw = tst_sys(socket(AF_PACKET, SOCK_RAW, 0)), cooked = tst_sys(socket(AF_PACKET, SOCK_DGRAM, htons(ETHERTYPE + 1))),
      free_one = tst_sys(socket(AF_PACKET, SOCK_RAW, 0)), threes = tst_sys(socket(AF_PACKET, SOCK_RAW, 0)), together[2];
  sockopts_set(raw, bound, COUNT(bound));
  tst_sys(bind(raw, (struct sockaddr *)&name, sizeof(name)));
  join(raw, PACKET_MR_PROMISC, NULL);
  join(raw, PACKET_MR_ALLMULTI, NULL);
  join(raw, PACKET_MR_MULTICAST, group);
  join(raw, PACKET_MR_MULTICAST, group);
  tst_sys(setsockopt(cooked, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)));
  sockopts_set(free_one, free_, COUNT(free_));
  inet_set(threes, SOL_PACKET, PACKET_VERSION, TPACKET_V3);
  ring.tp_retire_blk_tov = 70;
  tst_sys(setsockopt(threes, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)));
  ring.tp_retire_blk_tov = 0;
  tst_sys(setsockopt(threes, SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring)));
  for (int i = 0; i < 2; i++) {
    together[i] = tst_sys(socket(AF_PACKET, SOCK_DGRAM, htons(ETHERTYPE + 2)));
    inet_set(together[i], SOL_PACKET, PACKET_FANOUT, 77 | (PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_ROLLOVER) << 16);
  }
  int count = memberships(raw, was), fanout = inet_option(together[0], SOL_PACKET, PACKET_FANOUT);
  tst_check(count == 3 && (fanout & 0xffff) == 77, "%d memberships, group %x", count, (unsigned)fanout);
  tst_ready();
  TST_SPOIL inet_set(raw, SOL_PACKET, PACKET_ORIGDEV, 0);
  sockopts_check(raw, "the bound one", bound, COUNT(bound));
  sockopts_check(free_one, "the free one", free_, COUNT(free_));
  name_is(raw, ETHERTYPE, 1, "the bound one");
  name_is(cooked, ETHERTYPE + 1, 0, "the cooked one");
  name_is(free_one, 0, 0, "the free one");
  tst_check(memberships(raw, is) == count && !memcmp(was, is, sizeof(was)), "it is in other groups");
  for (int i = 0; i < 2; i++)
    tst_check(inet_option(together[i], SOL_PACKET, PACKET_FANOUT) == fanout, "the group of %d is %x", i,
              (unsigned)inet_option(together[i], SOL_PACKET, PACKET_FANOUT));
  struct packet_diag_ring rx = {0};
  tst_check(link_diag(threes, PACKET_DIAG_RX_RING, PACKET_SHOW_RING_CFG, &rx, sizeof(rx)) == sizeof(rx), "the ring is gone");
  tst_check(rx.pdr_block_size == 8192 && rx.pdr_block_nr == 3 && rx.pdr_retire_tmo == 70, "the ring is another: %u x %u, %u ms",
            rx.pdr_block_nr, rx.pdr_block_size, rx.pdr_retire_tmo);
  void *map = mmap(NULL, 2 * 3 * 8192, PROT_READ, MAP_SHARED, threes, 0);
  tst_check(map != MAP_FAILED, "both rings together have another size");
  /* what is heard: frames with their header, packets without, filtered ones; either of the group in turn */
  char text[64];
  link_send(ETHERTYPE, "frame");
  tst_until(recv(raw, text, sizeof(text), MSG_DONTWAIT) == 14 + 5, "the bound one hears nothing");
  link_send(ETHERTYPE + 1, "no");
  link_send(ETHERTYPE + 1, "yes");
  tst_until(recv(cooked, text, sizeof(text), MSG_DONTWAIT) == 3, "the cooked one hears nothing, or too much");
  link_send(ETHERTYPE + 2, "one");
  link_send(ETHERTYPE + 2, "two");
  for (int i = 0; i < 2; i++) {
    tst_until(recv(together[i], text, sizeof(text), MSG_DONTWAIT) == 3, "%d of the group hears nothing", i);
    tst_check(recv(together[i], text, sizeof(text), MSG_DONTWAIT) == -1, "%d of the group hears all", i);
  }
  return tst_pass();
}
