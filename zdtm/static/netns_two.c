// zdtm: {"category": "netns", "verifies": "tasks of one tree in network namespaces of their own, and sockets in that of another task, come back where they were", "needs": ["root"]}
#include "netns.h"

#include <stddef.h>
#include <sys/un.h>

static tst_step *ready, *go;
static ino_t *network;

static ino_t network_of(int socket) {
  struct stat st;
  int fd = tst_sys(ioctl(socket, 0x894c /* SIOCGSKNS */));
  tst_sys(fstat(fd, &st));
  close(fd);
  return st.st_ino;
}

static ino_t own_network(void) {
  struct stat st;
  tst_sys(stat("/proc/self/ns/net", &st));
  return st.st_ino;
}

static const inet_name *port_80(void) {
  static inet_name name;
  name = inet_loopback(AF_INET);
  name.four.sin_port = htons(80); /* each has one of its own */
  return &name;
}

static int lives(void *number) {
  int self = *(int *)number;
  netns_leave();
  char ttl[16];
  snprintf(ttl, sizeof(ttl), "%d", 40 + self);
  netns_sysctl("ipv4/ip_default_ttl", ttl);
  struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "\0the same in each"};
  socklen_t length = offsetof(struct sockaddr_un, sun_path) + 17;
  int listener = tst_sys(socket(AF_INET, SOCK_STREAM, 0)), name = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  tst_sys(bind(listener, &port_80()->any, sizeof(struct sockaddr_in)));
  tst_sys(listen(listener, 3));
  tst_sys(bind(name, (struct sockaddr *)&local, length));
  tst_sys(listen(name, 3));
  tst_raise(ready);
  tst_await(go, 1);
  tst_check(network_of(listener) == own_network() && network_of(name) == own_network(), "task %d: its sockets are elsewhere", self);
  tst_check(netns_sysctl("ipv4/ip_default_ttl", NULL) == 40 + self, "task %d: it lives elsewhere", self);
  inet_serves(listener, port_80());
  int client = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  tst_sys(connect(client, (struct sockaddr *)&local, length));
  network[self] = own_network();
  tst_raise(ready);
  return 0;
}

int main(void) {
  tst_begin();
  ready = tst_new_step();
  go = tst_new_step();
  network = tst_shared(tst_page());
  static int numbers[] = {0, 1};
  pid_t pids[2];
  for (int i = 0; i < 2; i++) pids[i] = tst_child(lives, &numbers[i]);
  tst_await(ready, 2);
  int home = tst_sys(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/ns/net", pids[1]);
  int away = tst_sys(open(path, O_RDONLY | O_CLOEXEC));
  tst_sys(setns(away, CLONE_NEWNET));
  int there = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  tst_sys(bind(there, &port_80()->any, sizeof(struct sockaddr_in)));
  tst_sys(setns(home, CLONE_NEWNET));
  close(home);
  close(away);
  int here = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  tst_ready();
  TST_SPOIL {
    close(there);
    tst_check(socket(AF_INET, SOCK_DGRAM, 0) == there, "another number");
  }
  tst_set(go, 1);
  tst_await(ready, 4);
  tst_check(network[0] != network[1] && network[0] != own_network() && network[1] != own_network(), "they live together");
  tst_check(network_of(there) == network[1], "the socket in the other task's network is elsewhere");
  tst_check(network_of(here) == own_network(), "the socket at home is elsewhere");
  for (int i = 0; i < 2; i++) tst_check(tst_reap(pids[i]) == 0, "task %d fails", i);
  return tst_pass();
}
