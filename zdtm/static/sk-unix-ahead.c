// zdtm: {"category": "sockets-unix", "verifies": "what clients have sent before anybody accepts them waits for whoever does, by messages, signed, and with its end", "needs": ["root", "file:/sys/kernel/btf/vmlinux"]}
#include "tst.h"

#include <sys/socket.h>
#include <sys/un.h>

enum { LONG = 90000 };

static int listener_at(const char *name, int type, struct sockaddr_un *address) {
  int fd = tst_sys(socket(AF_UNIX, type, 0));
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  strcpy(address->sun_path, name);
  tst_sys(bind(fd, (struct sockaddr *)address, sizeof(*address)));
  tst_sys(listen(fd, 8));
  return fd;
}

static int client_of(const struct sockaddr_un *address, int type) {
  int fd = tst_sys(socket(AF_UNIX, type, 0));
  tst_sys(connect(fd, (const struct sockaddr *)address, sizeof(*address)));
  return fd;
}

static tst_step *step;

static int sender(void *argument) {
  tst_check(send(*(int *)argument, "by a child", 10, 0) == 10, "cannot send");
  tst_set(step, 1);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  struct sockaddr_un at, packets_at;
  int stream = listener_at("stream", SOCK_STREAM, &at);
  int packets = listener_at("packets", SOCK_SEQPACKET, &packets_at);
  int first = client_of(&at, SOCK_STREAM);
  int second = client_of(&at, SOCK_STREAM);
  client_of(&packets_at, SOCK_SEQPACKET);
  static char much[LONG], got[LONG];
  tst_fill(much, LONG, 7);
  tst_check(send(first, much, LONG, 0) == LONG, "cannot send so much");
  pid_t child = tst_child(sender, &second);
  tst_await(step, 1);
  int third = client_of(&packets_at, SOCK_SEQPACKET);
  tst_check(send(third, "one", 3, 0) == 3 && send(third, "another", 7, 0) == 7, "cannot send messages");
  tst_sys(shutdown(third, SHUT_WR));
  tst_ready();
  TST_SPOIL tst_check(send(first, "more", 4, 0) == 4, "cannot send more");

  int end = tst_sys(accept(stream, NULL, NULL));
  tst_sys(shutdown(first, SHUT_WR));
  size_t have = 0;
  for (ssize_t n; (n = tst_sys(recv(end, got + have, LONG - have, 0))) > 0 && have + (size_t)n < LONG;) have += (size_t)n;
  tst_check(tst_differs(got, LONG, 7) < 0, "something else came");
  tst_check(recv(end, got, 1, 0) == 0, "more came than was sent");

  end = tst_sys(accept(stream, NULL, NULL));
  int on = 1;
  tst_sys(setsockopt(end, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
  char text[64], control[CMSG_SPACE(sizeof(struct ucred))];
  struct iovec vector = {text, sizeof(text)};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  tst_check(recvmsg(end, &message, 0) == 10 && memcmp(text, "by a child", 10) == 0, "something else came");
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  tst_check(head && head->cmsg_type == SCM_CREDENTIALS, "it is not signed");
  struct ucred *who = (void *)CMSG_DATA(head);
  tst_check(who->pid == child, "it is signed by %d, not %d", who->pid, child);

  tst_sys(accept(packets, NULL, NULL));
  end = tst_sys(accept(packets, NULL, NULL));
  tst_check(recv(end, text, sizeof(text), 0) == 3 && recv(end, text, sizeof(text), 0) == 7, "the messages are others");
  tst_check(recv(end, text, sizeof(text), 0) == 0, "the end is lost");
  tst_end(child);
  return tst_pass();
}
