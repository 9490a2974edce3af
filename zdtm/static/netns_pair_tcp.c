// zdtm: {"category": "netns", "verifies": "a TCP connection between two network namespaces of one tree goes on, with what was unread at both ends, and one within the second", "needs": ["root", "file:/usr/sbin/ip"], "flavours": ["h", "ns"], "opts": ["--tcp-established"]}
#include "netns.h"

static tst_step *step, *go;

static void send_all(int fd, const char *text) { tst_check(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text), "'%s' is not sent", text); }

static void hears(int fd, const char *text) {
  char found[32] = "";
  size_t length = strlen(text);
  tst_check(recv(fd, found, length, MSG_WAITALL) == (ssize_t)length && !memcmp(found, text, length), "'%s' in place of '%s'", found, text);
}

/* The other task: it lets the first one in, and talks to itself. */
static int answers(void *unused) {
  (void)unused;
  netns_leave();
  tst_set(step, 1);
  tst_await(go, 1);
  netns_right();
  int listener = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  inet_name name = {.four = {.sin_family = AF_INET, .sin_port = htons(7)}};
  tst_sys(bind(listener, &name.any, sizeof(name.four)));
  tst_sys(listen(listener, 2));
  int own = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  tst_sys(connect(own, &name.any, sizeof(name.four)));
  int other = tst_sys(accept(listener, NULL, NULL));
  tst_set(step, 2);
  int fd = tst_sys(accept(listener, NULL, NULL));
  send_all(fd, "from the right");
  send_all(own, "within");
  tst_set(step, 3);
  tst_await(go, 2);
  hears(fd, "from the left, on");
  hears(other, "within");
  send_all(other, "back");
  hears(own, "back");
  send_all(fd, ", on");
  tst_set(step, 4);
  tst_sleep();
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
  int fd = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  inet_name to = netns_across();
  tst_sys(connect(fd, &to.any, sizeof(to.four)));
  send_all(fd, "from the left");
  tst_await(step, 3);
  tst_ready();
  TST_SPOIL tst_sys(shutdown(fd, SHUT_WR));
  send_all(fd, ", on");
  tst_set(go, 2);
  hears(fd, "from the right, on");
  tst_await(step, 4);
  tst_end(pid);
  return tst_pass();
}
