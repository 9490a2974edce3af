// zdtm: {"category": "sockets-other", "verifies": "rings of packet sockets, of all three versions, come back at their addresses with what was not taken yet, and the kernel goes on where it was", "needs": ["net"]}
#include "packets.h"

#define FRAMES 8
#define FRAME 2048
#define BLOCKS 5
#define BLOCK 65536

typedef struct {
  int fd, version, turn; /* the program's place: frame or block */
  uint8_t *map;
} ring;

static ring make(int version) {
  struct sockaddr_ll name = link_name(ETHERTYPE + version, 1);
  struct tpacket_req3 ask = {.tp_block_size = 4096, .tp_block_nr = FRAMES / 2, .tp_frame_size = FRAME, .tp_frame_nr = FRAMES};
  if (version == TPACKET_V3)
    ask = (struct tpacket_req3){.tp_block_size = BLOCK, .tp_block_nr = BLOCKS, .tp_frame_size = FRAME,
                                .tp_frame_nr = BLOCKS * BLOCK / FRAME, .tp_retire_blk_tov = 10};
  ring it = {.fd = tst_sys(socket(AF_PACKET, SOCK_RAW, 0)), .version = version};
  inet_set(it.fd, SOL_PACKET, PACKET_VERSION, version);
  tst_sys(setsockopt(it.fd, SOL_PACKET, PACKET_RX_RING, &ask, sizeof(ask)));
  tst_sys(bind(it.fd, (struct sockaddr *)&name, sizeof(name)));
  it.map = tst_sys(mmap(NULL, ask.tp_block_size * ask.tp_block_nr, PROT_READ | PROT_WRITE, MAP_SHARED, it.fd, 0));
  return it;
}

static volatile uint32_t *status(const ring *it) {
  if (it->version == TPACKET_V3) return &((struct tpacket_block_desc *)(it->map + it->turn * BLOCK))->hdr.bh1.block_status;
  return (volatile uint32_t *)(it->map + it->turn * FRAME); /* both begin with it */
}

/* Takes the next packet, which has to be this text, and gives it back. */
static void take(ring *it, const char *text) {
  tst_until(*status(it) & TP_STATUS_USER, "version %d: nothing comes to %d", it->version + 1, it->turn);
  const uint8_t *packet;
  uint32_t length;
  if (it->version == TPACKET_V3) {
    struct tpacket_block_desc *block = (void *)(it->map + it->turn * BLOCK);
    struct tpacket3_hdr *head = (void *)((uint8_t *)block + block->hdr.bh1.offset_to_first_pkt);
    tst_check(block->hdr.bh1.num_pkts == 1, "version 3: %u packets in block %d", block->hdr.bh1.num_pkts, it->turn);
    packet = (uint8_t *)head + head->tp_mac;
    length = head->tp_snaplen;
  } else if (it->version == TPACKET_V2) {
    struct tpacket2_hdr *head = (void *)(it->map + it->turn * FRAME);
    packet = (uint8_t *)head + head->tp_mac;
    length = head->tp_snaplen;
  } else {
    struct tpacket_hdr *head = (void *)(it->map + it->turn * FRAME);
    packet = (uint8_t *)head + head->tp_mac;
    length = head->tp_snaplen;
  }
  tst_check(length == 14 + strlen(text) && !memcmp(packet + 14, text, strlen(text)), "version %d: not '%s' but '%.*s' at %d",
            it->version + 1, text, (int)length - 14, (const char *)packet + 14, it->turn);
  *status(it) = TP_STATUS_KERNEL;
  it->turn = (it->turn + 1) % (it->version == TPACKET_V3 ? BLOCKS : FRAMES);
}

/* How far each has come at the dump: the kernel's place is behind what waits; the second is once around. */
static const struct {
  int version, taken, wait;
} table[] = {{TPACKET_V1, 3, 2}, {TPACKET_V2, 9, 2}, {TPACKET_V2, 6, 0}, {TPACKET_V3, 2, 1}, {TPACKET_V3, 1, 0}, {TPACKET_V2, 0, 0}};
enum { RINGS = sizeof(table) / sizeof(table[0]) };

int main(void) {
  tst_begin();
  ring rings[RINGS];
  char text[32];
  for (int i = 0; i < RINGS; i++) {
    rings[i] = make(table[i].version);
    ring ahead = rings[i];
    for (int n = 0; n < table[i].taken + table[i].wait; n++) {
      snprintf(text, sizeof(text), "packet %d of %d", n, i);
      link_send(ETHERTYPE + table[i].version, text);
      if (n < table[i].taken) take(&rings[i], text), ahead = rings[i];
      else {
        tst_until(*status(&ahead) & TP_STATUS_USER, "nothing comes");
        ahead.turn++;
      }
    }
    struct sockaddr_ll silent = link_name(ETHERTYPE + 10 + i, 1);
    tst_sys(bind(rings[i].fd, (struct sockaddr *)&silent, sizeof(silent)));
  }
  tst_ready();
  TST_SPOIL *status(&rings[1]) = TP_STATUS_KERNEL;
  for (int i = 0; i < RINGS; i++) {
    for (int n = 0; n < table[i].wait; n++) {
      snprintf(text, sizeof(text), "packet %d of %d", table[i].taken + n, i);
      take(&rings[i], text);
    }
    for (int n = 0; n < FRAMES + 2; n++) {
      snprintf(text, sizeof(text), "after %d", n);
      link_send(ETHERTYPE + 10 + i, text);
      take(&rings[i], text);
    }
  }
  return tst_pass();
}
