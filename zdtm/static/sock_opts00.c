// zdtm: {"category": "sockets-other", "notIn": {"uns": "SO_DEBUG takes CAP_NET_ADMIN of the first user namespace"}, "verifies": "options of SOL_SOCKET stay, on UDP, TCP and unix sockets", "needs": ["root"]}
#include "sockopts.h"

#include <linux/net_tstamp.h>
#include <sys/time.h>

#define SO_(name, value) SOCKOPT(SOL_SOCKET, SO_##name, value)

static const sockopt every[] = {SO_(PRIORITY, 5),  SO_(RCVLOWAT, 77),  SO_(MARK, 0x1234),     SO_(OOBINLINE, 1),
                                SO_(DONTROUTE, 1), SO_(KEEPALIVE, 1),  SO_(RXQ_OVFL, 1),      SO_(TIMESTAMPNS, 1),
                                SO_(DEBUG, 1),     SO_(BUSY_POLL, 33), SO_(SELECT_ERR_QUEUE, 1)};
static const sockopt udp[] = {SO_(NO_CHECK, 1), SO_(BROADCAST, 1), SO_(REUSEADDR, 1), SO_(REUSEPORT, 1), SO_(ZEROCOPY, 1), SO_(PEEK_OFF, 3)};
static const sockopt tcp[] = {SO_(REUSEADDR, 1), SO_(ZEROCOPY, 1)};
static const sockopt local[] = {SO_(PASSCRED, 1), SO_(PASSSEC, 1)};
static const char *const who[] = {"UDP", "TCP", "unix"};

int main(void) {
  tst_begin();
  struct timeval wait[2] = {{3, 40000}, {5, 60000}}, is;
  struct so_timestamping stamps = {.flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE}, stamped;
  uint64_t pace = 123456789, paced = 0;
  socklen_t length = sizeof(is);
  int fds[] = {tst_sys(socket(AF_INET, SOCK_DGRAM, 0)), tst_sys(socket(AF_INET, SOCK_STREAM, 0)),
               tst_sys(socket(AF_UNIX, SOCK_STREAM, 0))};
  for (int i = 0; i < 3; i++) {
    sockopts_set(fds[i], every, COUNT(every));
    tst_sys(setsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &wait[0], sizeof(wait[0])));
    tst_sys(setsockopt(fds[i], SOL_SOCKET, SO_SNDTIMEO, &wait[1], sizeof(wait[1])));
  }
  sockopts_set(fds[0], udp, COUNT(udp));
  sockopts_set(fds[1], tcp, COUNT(tcp));
  sockopts_set(fds[2], local, COUNT(local));
  tst_sys(setsockopt(fds[0], SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof(stamps)));
  tst_sys(setsockopt(fds[0], SOL_SOCKET, SO_MAX_PACING_RATE, &pace, sizeof(pace)));
  tst_ready();
  TST_SPOIL inet_set(fds[2], SOL_SOCKET, SO_PASSCRED, 0);
  for (int i = 0; i < 3; i++) {
    sockopts_check(fds[i], who[i], every, COUNT(every));
    tst_sys(getsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &is, &length));
    tst_check(!memcmp(&is, &wait[0], sizeof(is)), "%s waits for data for %ld s %ld us", who[i], is.tv_sec, is.tv_usec);
    tst_sys(getsockopt(fds[i], SOL_SOCKET, SO_SNDTIMEO, &is, &length));
    tst_check(!memcmp(&is, &wait[1], sizeof(is)), "%s waits for room for %ld s %ld us", who[i], is.tv_sec, is.tv_usec);
  }
  sockopts_check(fds[0], who[0], udp, COUNT(udp));
  sockopts_check(fds[1], who[1], tcp, COUNT(tcp));
  sockopts_check(fds[2], who[2], local, COUNT(local));
  length = sizeof(stamped);
  tst_sys(getsockopt(fds[0], SOL_SOCKET, SO_TIMESTAMPING, &stamped, &length));
  tst_check(stamped.flags == stamps.flags, "time stamps are %x", (unsigned)stamped.flags);
  length = sizeof(paced);
  tst_sys(getsockopt(fds[0], SOL_SOCKET, SO_MAX_PACING_RATE, &paced, &length));
  tst_check(paced == pace, "it sends %llu bytes a second", (unsigned long long)paced);
  return tst_pass();
}
