// zdtm: {"category": "sockets-inet", "verifies": "corked UDP sockets hold the data that they held, also between calls with MSG_MORE, and send it all when the cork goes", "needs": ["arch:x64", "file:/sys/kernel/btf/vmlinux"]}
#include "inet.h"

#include <netinet/udp.h>

enum { CONNECTED, TO_NAME, MORE, SIX, MAPPED, LONG, COUNT };

int main(void) {
  tst_begin();
  static char part[3000], text[8000];
  int hears[COUNT], holds[COUNT];
  for (int i = 0; i < COUNT; i++) {
    inet_name name;
    hears[i] = inet_bound(i == SIX ? AF_INET6 : AF_INET, SOCK_DGRAM, &name);
    holds[i] = tst_sys(socket(i == SIX || i == MAPPED ? AF_INET6 : AF_INET, SOCK_DGRAM, 0));
    if (i == MAPPED) {
      in_port_t port = name.four.sin_port;
      name.six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
      tst_check(inet_pton(AF_INET6, "::ffff:127.0.0.1", &name.six.sin6_addr) == 1, "no address");
    }
    socklen_t length = inet_length(name.any.sa_family);
    if (i != TO_NAME) tst_sys(connect(holds[i], &name.any, length));
    if (i != MORE) inet_set(holds[i], SOL_UDP, UDP_CORK, 1);
    size_t size = i == LONG ? sizeof(part) : 5;
    memset(part, 'a' + i, sizeof(part));
    for (int n = 0; n < 2; n++)
      tst_sys(sendto(holds[i], part, size, i == MORE ? MSG_MORE : 0, i == TO_NAME ? &name.any : NULL, i == TO_NAME ? length : 0));
  }
  tst_ready();
  TST_SPOIL inet_set(holds[SIX], SOL_UDP, UDP_CORK, 0);
  for (int i = 0; i < COUNT; i++) {
    tst_check(recv(hears[i], text, sizeof(text), MSG_DONTWAIT) == -1, "%d: it has been sent", i);
    if (i == MORE) tst_sys(send(holds[i], "end", 3, 0));
    else inet_set(holds[i], SOL_UDP, UDP_CORK, 0);
    ssize_t got = recv(hears[i], text, sizeof(text), MSG_DONTWAIT), wanted = i == LONG ? 6000 : i == MORE ? 13 : 10;
    tst_check(got == wanted, "%d: %zd bytes come", i, got);
    for (int n = 0; n < (i == MORE ? 10 : got); n++) tst_check(text[n] == 'a' + i, "%d: the byte %d is %c", i, n, text[n]);
  }
  return tst_pass();
}
