// zdtm: {"category": "netns", "verifies": "a TCP connection from a network namespace of the tree's own to somebody outside of it goes on, through an interface that is made again", "needs": ["net", "file:/usr/sbin/ip"], "flavours": ["h"], "opts": ["--tcp-established"], "restoreOpts": ["--external", "veth[inner]:outer@bridge0"]}
#include "netns.h"

/* Somebody outside of the tree, who sends back what comes. */
static void outside(const inet_name *at, tst_step *step) {
  pid_t parent = tst_sys(fork());
  if (parent) {
    tst_reap(parent);
    return;
  }
  if (tst_sys(fork())) _exit(0);
  tst_sys(setsid());
  char text[64];
  int listener = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  tst_sys(bind(listener, &at->any, sizeof(at->four)));
  tst_sys(listen(listener, 1));
  tst_set(step, 1);
  int fd = tst_sys(accept(listener, NULL, NULL));
  for (ssize_t got; (got = recv(fd, text, sizeof(text), 0)) > 0;) tst_sys(send(fd, text, (size_t)got, 0));
  _exit(0);
}

int main(void) {
  tst_begin();
  int home = tst_sys(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  netns_do("ip link add bridge0 type bridge && ip addr add 10.8.0.1/24 dev bridge0 && ip link set bridge0 up");
  netns_do("ip link add inner type veth peer name outer && ip link set outer master bridge0 up");
  inet_name to = {.four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a080001), .sin_port = htons(7)}};
  tst_step *step = tst_new_step();
  outside(&to, step);
  tst_await(step, 1);
  netns_leave();
  int own = tst_sys(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  pid_t child = tst_sys(fork());
  if (child == 0) {
    tst_set(step, 2);
    tst_sleep();
  }
  tst_await(step, 2);
  char command[64];
  snprintf(command, sizeof(command), "ip link set inner netns %d", child);
  tst_sys(setns(home, CLONE_NEWNET));
  netns_do(command);
  tst_sys(setns(own, CLONE_NEWNET));
  tst_end(child);
  close(own);
  close(home);
  netns_do("ip addr add 10.8.0.2/24 dev inner && ip link set inner up");
  char text[16] = "";
  int fd = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  if (connect(fd, &to.any, sizeof(to.four))) tst_die("connect");
  tst_sys(send(fd, "before", 6, 0));
  tst_ready();
  TST_SPOIL tst_sys(shutdown(fd, SHUT_RDWR));
  tst_sys(send(fd, " after", 6, MSG_NOSIGNAL));
  tst_check(recv(fd, text, 12, MSG_WAITALL) == 12 && !memcmp(text, "before after", 12), "it comes back as '%.12s'", text);
  return tst_pass();
}
