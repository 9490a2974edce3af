// zdtm: {"category": "sockets-inet", "verifies": "multicast groups stay joined, of IPv4 and IPv6, with the sources that are wanted and those that are not", "needs": ["net"]}
#include "inet.h"

typedef struct {
  int family, sources;
  const char *group, *source[2];
  bool include;
} membership;

static const membership table[] = {
    {AF_INET, 0, "239.7.7.1", {0}, false},
    {AF_INET, 2, "239.7.7.2", {"127.0.0.9", "192.0.2.7"}, false},
    {AF_INET, 1, "232.7.7.3", {"127.0.0.1"}, true},
    {AF_INET, 0, "224.0.0.1", {0}, false}, /* every interface is in it */
    {AF_INET6, 0, "ff15::77", {0}, false},
    {AF_INET6, 2, "ff35::78", {"::1", "2001:db8::7"}, true},
    {AF_INET6, 0, "ff02::1", {0}, false},
};
enum { MOST = sizeof(table) / sizeof(table[0]) };

static struct sockaddr_storage address(int family, const char *text) {
  struct sockaddr_storage is = {.ss_family = (sa_family_t)family};
  void *at = family == AF_INET ? (void *)&((struct sockaddr_in *)&is)->sin_addr : (void *)&((struct sockaddr_in6 *)&is)->sin6_addr;
  tst_check(inet_pton(family, text, at) == 1, "no address: %s", text);
  return is;
}

static int level(int family) { return family == AF_INET ? SOL_IP : SOL_IPV6; }

static void join(int fd, const membership *it) {
  struct group_req all = {.gr_interface = 1, .gr_group = address(it->family, it->group)};
  if (!it->include) tst_sys(setsockopt(fd, level(it->family), MCAST_JOIN_GROUP, &all, sizeof(all)));
  for (int i = 0; i < it->sources; i++) {
    struct group_source_req one = {1, address(it->family, it->group), address(it->family, it->source[i])};
    tst_sys(setsockopt(fd, level(it->family), it->include ? MCAST_JOIN_SOURCE_GROUP : MCAST_BLOCK_SOURCE, &one, sizeof(one)));
  }
}

static void check(int fd, const membership *it) {
  union {
    struct group_filter is;
    char room[GROUP_FILTER_SIZE(8)];
  } filter = {.is = {.gf_interface = 1, .gf_group = address(it->family, it->group), .gf_numsrc = 8}};
  socklen_t length = sizeof(filter);
  if (getsockopt(fd, level(it->family), MCAST_MSFILTER, &filter, &length)) tst_die("it is not in %s", it->group);
  tst_check(filter.is.gf_fmode == (it->include ? MCAST_INCLUDE : MCAST_EXCLUDE), "%s: the mode is %u", it->group, filter.is.gf_fmode);
  tst_check((int)filter.is.gf_numsrc == it->sources, "%s: %u sources", it->group, filter.is.gf_numsrc);
  for (int i = 0; i < it->sources; i++) {
    struct sockaddr_storage wanted = address(it->family, it->source[i]);
    bool there = false;
    for (int j = 0; j < it->sources; j++) there |= !memcmp(&filter.is.gf_slist[j], &wanted, 28);
    tst_check(there, "%s: the source %s is gone", it->group, it->source[i]);
  }
}

int main(void) {
  tst_begin();
  /* IPv4's groups in a socket of IPv4, IPv6's in one of IPv6, which has one of IPv4 as well */
  int four = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)), six = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0)),
      none = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  for (int i = 0; i < MOST; i++) join(table[i].family == AF_INET ? four : six, &table[i]);
  join(six, &table[0]);
  tst_ready();
  TST_SPOIL {
    struct group_req all = {.gr_interface = 1, .gr_group = address(AF_INET, table[0].group)};
    tst_sys(setsockopt(six, SOL_IP, MCAST_LEAVE_GROUP, &all, sizeof(all)));
  }
  for (int i = 0; i < MOST; i++) check(table[i].family == AF_INET ? four : six, &table[i]);
  check(six, &table[0]);
  struct group_req all = {.gr_interface = 1, .gr_group = address(AF_INET, table[0].group)};
  tst_check(setsockopt(none, SOL_IP, MCAST_LEAVE_GROUP, &all, sizeof(all)) == -1, "a socket is in a group that it never joined");
  return tst_pass();
}
