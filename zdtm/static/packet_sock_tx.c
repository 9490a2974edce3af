// zdtm: {"category": "sockets-other", "verifies": "a packet socket that has sent by a ring is refused before anything is touched, and sends on from where it was", "needs": ["net"], "refused": "sends by a ring"}
#include "packets.h"

#define FRAME 2048
#define HEAD (TPACKET_ALIGN(sizeof(struct tpacket2_hdr)))

int main(void) {
  tst_begin();
  struct tpacket_req ask = {4096, 2, FRAME, 4};
  struct sockaddr_ll name = link_name(0, 1), to = link_name(ETHERTYPE, 1);
  char text[16];
  int hears = tst_sys(socket(AF_PACKET, SOCK_DGRAM, htons(ETHERTYPE))), fd = tst_sys(socket(AF_PACKET, SOCK_DGRAM, 0));
  inet_set(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2);
  tst_sys(setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &ask, sizeof(ask)));
  tst_sys(bind(fd, (struct sockaddr *)&name, sizeof(name)));
  uint8_t *map = tst_sys(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  for (int n = 0; n < 6; n++) {
    if (n == 3) tst_ready();
    struct tpacket2_hdr *head = (void *)(map + n % 4 * FRAME);
    tst_check(head->tp_status == TP_STATUS_AVAILABLE, "frame %d is still in use", n);
    memcpy((uint8_t *)head + HEAD - sizeof(struct sockaddr_ll), "frame", 5);
    head->tp_len = 5;
    head->tp_status = TP_STATUS_SEND_REQUEST;
    if (n == 3) TST_SPOIL head->tp_status = TP_STATUS_AVAILABLE;
    tst_sys(sendto(fd, NULL, 0, 0, (struct sockaddr *)&to, sizeof(to)));
    tst_until(recv(hears, text, sizeof(text), MSG_DONTWAIT) == 5, "frame %d does not come", n);
  }
  return tst_pass();
}
