// zdtm: {"category": "netns", "verifies": "a bridge in the tree's network namespace whose ports lead into two namespaces below it is one wire again, under the same numbers and names, those of the namespaces among them", "needs": ["root", "file:/usr/sbin/ip"], "flavours": ["ns", "uns"]}
#include "netns.h"

enum { COUNT = 2 };
static const char *const listed = "ip -o link show | sed 's/state [A-Z]*//; s/,LOWER_UP//; s/,NO-CARRIER//'; ip -o -4 addr show; ip route show";
static tst_step *ready, *go, *done;

/* The others at the wire: this one, the next one, and who has the bridge. */
static inet_name at_wire(int number) {
  return (inet_name){.four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a090001 + (uint32_t)number), .sin_port = htons(9)}};
}

/* Whoever is there says that nobody listens. */
static void reaches(int number) {
  inet_name to = at_wire(number);
  int fd = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  tst_until(connect(fd, &to.any, sizeof(to.four)) == -1 && errno == ECONNREFUSED, "%d does not answer: %s", number, strerror(errno));
  close(fd);
}

static int lives(void *argument) {
  int self = *(int *)argument;
  char command[128];
  netns_leave();
  tst_raise(ready);
  tst_await(go, 1);
  snprintf(command, sizeof(command), "ip addr add 10.9.0.%d/24 dev port && ip link set port up", self + 2);
  netns_do(command);
  reaches(0);
  reaches(2 - self);
  const char *was = netns_listed(listed);
  tst_raise(ready);
  tst_await(go, 2);
  netns_same(was, listed);
  reaches(0);
  reaches(2 - self);
  tst_raise(done);
  tst_await(go, 3);
  return 0;
}

int main(void) {
  tst_begin();
  ready = tst_new_step(), go = tst_new_step(), done = tst_new_step();
  pid_t pids[COUNT];
  netns_do("ip link set lo up && ip link add wire type bridge && ip addr add 10.9.0.1/24 dev wire && ip link set wire up");
  for (int i = 0; i < COUNT; i++) {
    char command[160];
    pids[i] = tst_child(lives, &i);
    tst_await(ready, (unsigned)i + 1);
    /* its number stays when this one goes */
    snprintf(command, sizeof(command), "ip link add gone type veth peer name port netns %d && ip link del gone", pids[i]);
    netns_do(command);
  }
  for (int i = COUNT - 1; i >= 0; i--) {
    char command[160];
    snprintf(command, sizeof(command), "ip link add to%d type veth peer name port netns %d && ip link set to%d master wire up", i, pids[i], i);
    netns_do(command);
  }
  tst_set(go, 1);
  tst_await(ready, 2 * COUNT);
  const char *was = netns_listed(listed);
  tst_ready();
  TST_SPOIL netns_do("ip link set to1 nomaster");
  netns_same(was, listed);
  tst_set(go, 2);
  tst_await(done, COUNT);
  tst_set(go, 3);
  for (int i = 0; i < COUNT; i++) tst_check(tst_reap(pids[i]) == 0, "task %d is wrong", i);
  return tst_pass();
}
