// zdtm: {"category": "files", "verifies": "pipes and sockets keep permissions that fchmod gave them, and the file that a socket is bound to afterwards gets these"}
#include "inet.h"

#include <linux/netlink.h>
#include <sys/un.h>

enum { PIPE, SHUT, PAIR, STREAM, DATAGRAM, NETLINK, FRESH, LISTENS, COUNT };
static const char *const names[] = {"pipe", "shut pipe", "pair", "stream", "datagram", "netlink", "fresh", "listener"};

static void bound(int fd, const char *path) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  strcpy(name.sun_path, path);
  tst_sys(bind(fd, (struct sockaddr *)&name, sizeof(name)));
}

int main(void) {
  tst_begin();
  umask(0);
  inet_name name;
  int fds[COUNT], ends[2], one[2], pair[2];
  tst_sys(pipe(ends));
  tst_sys(pipe(one));
  close(one[1]);
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  fds[PIPE] = ends[1], fds[SHUT] = one[0], fds[PAIR] = pair[0];
  fds[STREAM] = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  fds[DATAGRAM] = inet_bound(AF_INET, SOCK_DGRAM, &name);
  fds[NETLINK] = tst_sys(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  fds[FRESH] = tst_sys(socket(AF_UNIX, SOCK_DGRAM, 0));
  fds[LISTENS] = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  for (int i = 0; i < COUNT; i++) tst_sys(fchmod(fds[i], 0600 + i + 8));
  bound(fds[LISTENS], "listener");
  tst_sys(listen(fds[LISTENS], 3));
  tst_sys(fchmod(fds[LISTENS], 0111));
  tst_ready();
  TST_SPOIL tst_sys(fchmod(fds[FRESH], 0700));
  struct stat st;
  for (int i = 0; i < COUNT; i++) {
    int mode = i == LISTENS ? 0111 : 0600 + i + 8;
    tst_sys(fstat(fds[i], &st));
    tst_check((st.st_mode & 07777) == (mode_t)mode, "%s: 0%o, was 0%o", names[i], st.st_mode, mode);
  }
  tst_sys(fstat(pair[1], &st));
  tst_check((st.st_mode & 07777) == 0777, "the other end: 0%o", st.st_mode);
  if (stat("listener", &st) == 0) tst_check((st.st_mode & 07777) == 0600 + LISTENS + 8, "the listener's file: 0%o", st.st_mode);
  bound(fds[FRESH], "fresh");
  tst_sys(stat("fresh", &st));
  tst_check((st.st_mode & 07777) == 0600 + FRESH + 8, "a fresh socket's file: 0%o", st.st_mode);
  unlink("fresh");
  return tst_pass();
}
