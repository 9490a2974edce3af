// zdtm: {"category": "sockets-unix", "verifies": "messages that wait in unix sockets are signed by who has sent them, one of whom is gone", "needs": ["root"]}
#include "tst.h"

#include <sys/socket.h>

static tst_step *step;
static int pair[2];

static int sender(void *what) {
  tst_check(send(pair[0], what, 4, 0) == 4, "cannot send");
  tst_raise(step);
  if (*(char *)what == 'g') return 0;
  tst_sleep();
}

static void signed_by(const char *text, pid_t pid) {
  char bytes[16], control[CMSG_SPACE(sizeof(struct ucred))];
  struct iovec vector = {bytes, sizeof(bytes)};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  tst_check(recvmsg(pair[1], &message, 0) == 4 && memcmp(bytes, text, 4) == 0, "something else came");
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  tst_check(head && head->cmsg_type == SCM_CREDENTIALS, "it is not signed");
  struct ucred *who = (void *)CMSG_DATA(head);
  tst_check(pid < 0 || who->pid == pid, "%s is signed by %d, not %d", text, who->pid, pid);
  tst_check(who->uid == getuid() && who->gid == getgid(), "%s is signed by the user %u", text, who->uid);
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int on = 1;
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  tst_sys(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
  pid_t gone = tst_child(sender, "gone");
  tst_reap(gone);
  pid_t here = tst_child(sender, "here");
  tst_await(step, 2);
  tst_check(send(pair[0], "mine", 4, 0) == 4, "cannot send");
  tst_ready();
  TST_SPOIL recv(pair[1], &on, 4, 0);
  signed_by("gone", -1);
  signed_by("here", here);
  signed_by("mine", getpid());
  tst_end(here);
  return tst_pass();
}
