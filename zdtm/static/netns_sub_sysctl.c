// zdtm: {"category": "netns", "flavours": ["ns", "uns"], "needs": ["root"], "verifies": "what a network namespace inside of the tree's says of sockets in /proc/sys/net is its own again"}
#include "netns.h"

static tst_step *step;

static void range(const char *value, char is[64]) {
  int fd = tst_sys(open("/proc/sys/net/ipv4/ping_group_range", value ? O_WRONLY : O_RDONLY));
  if (value) tst_sys(write(fd, value, strlen(value)));
  else is[tst_sys(read(fd, is, 63))] = 0;
  close(fd);
}

static int inner(void *unused) {
  char was[64], is[64];
  (void)unused;
  tst_sys(unshare(CLONE_NEWNET));
  netns_sysctl("unix/max_dgram_qlen", "321");
  range("0 0", NULL);
  range(NULL, was);
  tst_set(step, 1);
  tst_await(step, 2);
  TST_SPOIL netns_sysctl("unix/max_dgram_qlen", "322");
  range(NULL, is);
  tst_check(netns_sysctl("unix/max_dgram_qlen", NULL) == 321, "a queue may hold %d", netns_sysctl("unix/max_dgram_qlen", NULL));
  tst_check(!strcmp(was, is), "groups that may ping are %s, were %s", is, was);
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  netns_sysctl("unix/max_dgram_qlen", "123");
  pid_t pid = tst_child(inner, NULL);
  tst_until(step->value == 1 || tst_state(pid) == 'Z', "the child does not come");
  if (step->value != 1) tst_skip("no values can be set in a network namespace of a child");
  tst_ready();
  tst_set(step, 2);
  tst_until(step->value == 3 || tst_state(pid) == 'Z', "the child does not answer");
  tst_check(step->value == 3, "the child failed, see the output");
  tst_check(netns_sysctl("unix/max_dgram_qlen", NULL) == 123, "a queue may hold %d", netns_sysctl("unix/max_dgram_qlen", NULL));
  return tst_pass();
}
