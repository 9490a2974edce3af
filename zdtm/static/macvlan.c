// zdtm: {"category": "netns", "verifies": "a macvlan on an interface outside is made again on one that is named (--external macvlan), with its mode, address and number, and packets come through", "needs": ["net", "file:/usr/sbin/ip"], "flavours": ["h"], "opts": ["--external", "macvlan[inner]:lower"]}
#include "netns.h"

static const char list[] =
    "ip -d -o link show inner | sed 's/ link-netns[^ ]* [^ ]*//; s/numtxqueues.*//'; ip -4 -o addr show inner";

int main(void) {
  tst_begin();
  int home = tst_sys(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  netns_do("ip link add lower type veth peer name far && ip link set lower up && ip link set far up");
  netns_do("ip addr add 10.9.0.1/24 dev far");
  netns_leave();
  int own = tst_sys(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  tst_step *there = tst_new_step();
  pid_t child = tst_sys(fork());
  if (child == 0) {
    tst_set(there, 1);
    tst_sleep();
  }
  tst_await(there, 1);
  tst_sys(setns(home, CLONE_NEWNET));
  char command[128];
  snprintf(command, sizeof(command), "ip link add link lower name inner netns %d type macvlan mode bridge", child);
  netns_do(command);
  tst_sys(setns(own, CLONE_NEWNET));
  tst_end(child);
  munmap(there, tst_page());
  close(own);
  close(home);
  netns_do("ip addr add 10.9.0.2/24 dev inner && ip link set inner up");
  int fd = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  inet_name to = {.four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a090001), .sin_port = htons(9)}};
  /* nobody listens out there: but somebody says so */
  tst_until(connect(fd, &to.any, sizeof(to.four)) == -1 && errno == ECONNREFUSED, "the outside does not answer: %s", strerror(errno));
  char *was = netns_listed(list);
  tst_check(strstr(was, "macvlan mode bridge") != NULL, "%s", was);
  tst_ready();
  TST_SPOIL netns_do("ip link set inner address 02:00:00:00:00:99");
  netns_same(was, list);
  tst_until(connect(fd, &to.any, sizeof(to.four)) == -1 && errno == ECONNREFUSED, "the outside does not answer: %s", strerror(errno));
  return tst_pass();
}
