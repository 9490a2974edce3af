// zdtm: {"category": "sockets-unix", "verifies": "messages that wait in unix sockets still bring a descriptor of who has sent them (SO_PASSPIDFD)"}
#include "tst.h"

#include <sys/socket.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#define PIDFD 4 /* SCM_PIDFD */
#define KINDS 2

static tst_step *step;
static int pairs[KINDS][2];

static int sender(void *unused) {
  (void)unused;
  for (int i = 0; i < KINDS; i++) tst_check(send(pairs[i][0], "here", 4, 0) == 4, "cannot send");
  tst_raise(step);
  tst_sleep();
}

/* What the descriptor that comes with the next message says of its process; 0 where none comes. */
static int signer(int fd) {
  char bytes[16], control[CMSG_SPACE(sizeof(int))], path[64], line[64];
  struct iovec vector = {bytes, sizeof(bytes)};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  tst_check(recvmsg(fd, &message, 0) == 4 && memcmp(bytes, "here", 4) == 0, "something else came");
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (!head || head->cmsg_type != PIDFD) return 0;
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", *(int *)CMSG_DATA(head));
  FILE *info = fopen(path, "r");
  int pid = 0;
  while (info && fgets(line, sizeof(line), info) && sscanf(line, "Pid: %d", &pid) != 1) continue;
  if (info) fclose(info);
  close(*(int *)CMSG_DATA(head));
  return pid;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int on = 1;
  for (int i = 0; i < KINDS; i++) {
    tst_sys(socketpair(AF_UNIX, i == 0 ? SOCK_DGRAM : SOCK_STREAM, 0, pairs[i]));
    if (setsockopt(pairs[i][1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on))) tst_skip("this kernel has no SO_PASSPIDFD");
  }
  pid_t pid = tst_child(sender, NULL);
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL {
    char bytes[4];
    recv(pairs[0][1], bytes, 4, 0);
    send(pairs[0][0], "here", 4, 0);
  }
  for (int i = 0; i < KINDS; i++) {
    int told = signer(pairs[i][1]);
    tst_check(told == pid, "message %d is signed by %d, not %d", i, told, pid);
  }
  tst_end(pid);
  return tst_pass();
}
