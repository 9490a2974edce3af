// zdtm: {"category": "sockets-unix", "verifies": "SO_PEEK_OFF, SO_PASSCRED, SO_PASSPIDFD and SO_PASSRIGHTS stay, and the queue is peeked from where that stood"}
#include "tst.h"

#include <sys/socket.h>

/* asm-generic/socket.h: younger than some C libraries */
#define ZDTM_PASSPIDFD 76
#define ZDTM_PASSRIGHTS 83

static int get(int fd, int name) {
  int value = -7;
  socklen_t length = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -8;
}

int main(void) {
  tst_begin();
  static const int names[] = {SO_PEEK_OFF, SO_PASSCRED, ZDTM_PASSPIDFD, ZDTM_PASSRIGHTS};
  static const int values[] = {0, 1, 1, 0};
  int pair[2], other[2], before[4];
  char text[8];
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, other));
  /* An older kernel has not all of them: -8 before and after. */
  for (int i = 0; i < 4; i++) {
    setsockopt(other[1], SOL_SOCKET, names[i], &values[i], sizeof(int));
    before[i] = get(other[1], names[i]);
  }
  tst_sys(setsockopt(pair[1], SOL_SOCKET, SO_PEEK_OFF, &values[0], sizeof(int)));
  tst_sys(send(pair[0], "abcdef", 6, 0));
  tst_check(recv(pair[1], text, 2, MSG_PEEK) == 2, "cannot peek");
  tst_ready();
  TST_SPOIL tst_sys(recv(pair[1], text, 1, MSG_PEEK));
  for (int i = 0; i < 4; i++)
    tst_check(get(other[1], names[i]) == before[i], "option %d is %d, not %d", names[i], get(other[1], names[i]), before[i]);
  tst_check(recv(pair[1], text, 2, MSG_PEEK) == 2 && !memcmp(text, "cd", 2), "the next peek sees %.2s", text);
  tst_check(recv(pair[1], text, 8, MSG_DONTWAIT) == 6 && !memcmp(text, "abcdef", 6), "the queue is another");
  return tst_pass();
}
