// zdtm: {"category": "netns", "verifies": "a pair of interfaces between two network namespaces of one tree comes back, and packets go through", "needs": ["root", "file:/usr/sbin/ip"], "flavours": ["h"]}
#include "netns.h"

static tst_step *step, *go;

/* The other task: it answers what comes from the pair. */
static int answers(void *unused) {
  (void)unused;
  tst_sys(unshare(CLONE_NEWNET));
  tst_set(step, 1);
  tst_await(go, 1);
  netns_right();
  int fd = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  inet_name name = {.four = {.sin_family = AF_INET, .sin_port = htons(7)}}, from;
  tst_sys(bind(fd, &name.any, sizeof(name.four)));
  tst_set(step, 2);
  for (;;) {
    char text[16];
    socklen_t length = sizeof(from);
    ssize_t got = recvfrom(fd, text, sizeof(text), 0, &from.any, &length);
    if (got > 0) sendto(fd, text, (size_t)got, 0, &from.any, length);
  }
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  go = tst_new_step();
  netns_leave();
  pid_t pid = tst_child(answers, NULL);
  tst_await(step, 1);
  netns_left(pid);
  tst_set(go, 1);
  tst_await(step, 2);
  int fd = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  inet_name to = netns_across();
  char text[16];
  tst_sys(connect(fd, &to.any, sizeof(to.four)));
  tst_ready();
  TST_SPOIL netns_do("ip link del left");
  tst_until(send(fd, "across", 6, 0) == 6 && (tst_nap(), recv(fd, text, sizeof(text), MSG_DONTWAIT) == 6), "no answer comes");
  tst_end(pid);
  return tst_pass();
}
