// zdtm: {"category": "netns", "verifies": "an interface whose other end is outside of the tree's network namespace is made again with that end (--external veth), and packets come through", "needs": ["net", "file:/usr/sbin/ip"], "flavours": ["h"], "restoreOpts": ["--external", "veth[inner]:outer@bridge0"]}
#include "netns.h"

int main(void) {
  tst_begin();
  int home = tst_sys(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  netns_do("ip link add bridge0 type bridge && ip addr add 10.8.0.1/24 dev bridge0 && ip link set bridge0 up");
  netns_do("ip link add inner type veth peer name outer && ip link set outer master bridge0 up");
  netns_leave();
  int own = tst_sys(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  tst_sys(setns(home, CLONE_NEWNET));
  char command[64];
  tst_step *there = tst_new_step();
  pid_t child = tst_sys(fork());
  if (child == 0) {
    tst_sys(setns(own, CLONE_NEWNET));
    tst_set(there, 1);
    tst_sleep();
  }
  snprintf(command, sizeof(command), "ip link set inner netns %d", child);
  tst_await(there, 1);
  netns_do(command);
  tst_sys(setns(own, CLONE_NEWNET));
  tst_end(child);
  munmap(there, tst_page());
  close(own);
  close(home);
  netns_do("ip addr add 10.8.0.2/24 dev inner && ip link set inner up");
  tst_ready();
  TST_SPOIL netns_do("ip link set inner down");
  int fd = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  inet_name to = {.four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a080001), .sin_port = htons(9)}};
  /* nobody listens out there: but somebody says so */
  tst_until(connect(fd, &to.any, sizeof(to.four)) == -1 && errno == ECONNREFUSED, "the outside does not answer: %s", strerror(errno));
  return tst_pass();
}
