// zdtm: {"category": "netns", "flavours": ["ns", "uns"], "needs": ["root"], "verifies": "what /proc/sys/net says of interfaces, of those to come and of all, is the same again"}
#include "netns.h"

/* Each with a value that is not its usual one, in turn. */
static const struct {
  const char *name, *value;
} values[] = {
    {"ipv4/conf/%s/forwarding", "1"},       {"ipv4/conf/%s/accept_redirects", "0"}, {"ipv4/conf/%s/rp_filter", "2"},
    {"ipv4/conf/%s/arp_ignore", "3"},       {"ipv4/conf/%s/tag", "77"},             {"ipv4/conf/%s/force_igmp_version", "2"},
    {"ipv4/conf/%s/promote_secondaries", "1"}, {"ipv6/conf/%s/hop_limit", "55"},    {"ipv6/conf/%s/accept_dad", "0"},
    {"ipv6/conf/%s/use_tempaddr", "2"},     {"ipv6/conf/%s/router_solicitations", "7"}, {"ipv6/conf/%s/ndisc_notify", "1"},
    {"ipv6/conf/%s/stable_secret", "2001:db8::77"},
};
static const char *const devices[] = {"default", "lo"};
enum { VALUES = sizeof(values) / sizeof(values[0]), DEVICES = sizeof(devices) / sizeof(devices[0]) };

static bool sysctl(int of, const char *device, const char *set, char is[128]) {
  char name[96], path[128];
  snprintf(name, sizeof(name), values[of].name, device);
  snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
  int fd = open(path, set ? O_WRONLY : O_RDONLY);
  if (fd < 0) return false;
  ssize_t done = set ? write(fd, set, strlen(set)) : read(fd, is, 127);
  if (!set) is[done > 0 ? done : 0] = 0;
  close(fd);
  return done > 0;
}

int main(void) {
  static char was[VALUES][DEVICES][128];
  char is[128];
  int there = 0;
  tst_begin();
  for (int i = 0; i < VALUES; i++)
    for (int j = 0; j < DEVICES; j++) {
      if (!sysctl(i, devices[j], values[i].value, NULL)) continue;
      sysctl(i, devices[j], NULL, was[i][j]);
      there++;
    }
  if (there < VALUES) tst_skip("this kernel has but %d of them", there);
  tst_ready();
  TST_SPOIL sysctl(4, "lo", "78", NULL);
  for (int i = 0; i < VALUES; i++)
    for (int j = 0; j < DEVICES; j++) {
      if (!*was[i][j]) continue;
      tst_check(sysctl(i, devices[j], NULL, is) && !strcmp(is, was[i][j]), "%s of %s is %s, was %s", values[i].name, devices[j],
                is, was[i][j]);
    }
  return tst_pass();
}
