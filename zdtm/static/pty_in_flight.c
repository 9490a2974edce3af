// zdtm: {"category": "tty", "verifies": "a master that lies in a message of a unix socket and nowhere else comes back with what its slave has written"}
#include "terminal.h"

#include <sys/socket.h>

int main(void) {
  tst_begin();
  int ends[2];
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  int master = tty_master(O_RDWR), slave = tty_slave(master, O_RDWR | O_NONBLOCK);
  tty_raw(slave);
  tty_say(slave, "hello");
  tty_say(master, "typed");
  char byte = 'm', control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(head), &master, sizeof(int));
  tst_sys(sendmsg(ends[0], &message, 0));
  close(master);
  tst_ready();
  TST_SPOIL tst_sys(read(slave, &byte, 1));
  message.msg_controllen = sizeof(control);
  tst_check(recvmsg(ends[1], &message, 0) == 1 && message.msg_controllen >= CMSG_LEN(sizeof(int)), "no descriptor comes");
  memcpy(&master, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
  tst_sys(fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK));
  char heard[16] = {0};
  tst_check(read(master, heard, sizeof(heard)) == 5 && !strcmp(heard, "hello"), "the master reads %s", heard);
  memset(heard, 0, sizeof(heard));
  tst_check(read(slave, heard, sizeof(heard)) == 5 && !strcmp(heard, "typed"), "the slave reads %s", heard);
  return tst_pass();
}
