// zdtm: {"category": "sockets-unix", "opts": ["--ext-unix-sk"], "flavours": ["h"], "verifies": "datagram sockets that send to a program outside of the tree find it again by its path, its relative path, its abstract name"}
#include "named.h"

#include <poll.h>

static named_name names[3], back;

/* Answers everything that comes with the number of the socket that it came to. */
static _Noreturn void serve(void) {
  tst_sys(close_range(3, ~0u, 0));
  struct pollfd fds[3];
  int answers = tst_sys(socket(AF_UNIX, SOCK_DGRAM, 0));
  for (int i = 0; i < 3; i++) fds[i] = (struct pollfd){.fd = named_bound(SOCK_DGRAM, &names[i]), .events = POLLIN};
  sendto(answers, "r", 1, 0, (void *)&back.address, back.length);
  for (char text[8]; poll(fds, 3, -1) > 0;)
    for (int i = 0; i < 3; i++)
      if (recv(fds[i].fd, text, 8, MSG_DONTWAIT) > 0)
        sendto(answers, &"012"[i], 1, 0, (void *)&back.address, back.length);
  _exit(1);
}

/* Its parent is gone at once, its session its own: nothing of this tree, whose numbers have to be free for the restore. */
static int leave(void *unused) {
  (void)unused;
  if (tst_sys(fork()) == 0) {
    tst_sys(setsid());
    serve();
  }
  return 0;
}

int main(void) {
  tst_begin();
  char here[PATH_MAX + 16], text[8];
  tst_check(getcwd(here, PATH_MAX) != NULL, "no directory");
  strcat(here, "/absolute");
  if (strlen(here) > 100) tst_skip("the directory has a long name");
  names[0] = named_path(here);
  names[1] = named_path("relative");
  names[2] = named_abstract("outside");
  back = named_path("back");
  int own = named_bound(SOCK_DGRAM, &back), fds[3];
  tst_check(tst_reap(tst_child(leave, NULL)) == 0, "the starter failed");
  tst_check(recv(own, text, 8, 0) == 1, "nobody is there");
  for (int i = 0; i < 3; i++)
    if ((fds[i] = named_client(SOCK_DGRAM, &names[i])) < 0) tst_die("socket %d", i);
  tst_ready();
  TST_SPOIL fds[1] = fds[0];
  for (int i = 0; i < 3; i++) {
    tst_check(send(fds[i], "x", 1, 0) == 1, "socket %d does not send: %s", i, strerror(errno));
    tst_check(recv(own, text, 8, 0) == 1 && text[0] == '0' + i, "socket %d reached %c", i, text[0]);
  }
  return tst_pass();
}
