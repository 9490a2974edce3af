/* Cases in a network namespace of their own. */
#ifndef NETNS_H
#define NETNS_H
#include "sockopts.h"

#include <net/if.h>
#include <sys/ioctl.h>

static inline void netns_up(void) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  tst_sys(ioctl(fd, SIOCSIFFLAGS, &lo));
  close(fd);
}

static inline void netns_leave(void) {
  tst_sys(unshare(CLONE_NEWNET));
  netns_up();
}

static inline int netns_says(const char *command) { return system(command); }

static inline void netns_do(const char *command) {
  int status = system(command);
  if (status) tst_skip("cannot do '%s'", command);
}

static inline int netns_sysctl(const char *name, const char *value) {
  char path[128], is[64] = "";
  snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
  int fd = tst_sys(open(path, value ? O_WRONLY : O_RDONLY));
  if (value) tst_sys(write(fd, value, strlen(value)));
  else tst_sys(read(fd, is, sizeof(is) - 1));
  close(fd);
  return atoi(is);
}

/* What a command prints; of two calls both stay. */
static inline char *netns_listed(const char *command) {
  static char text[2][32768];
  static int next;
  FILE *from = popen(command, "r");
  char *to = text[next++ % 2];
  to[fread(to, 1, sizeof(text[0]) - 1, from)] = 0;
  pclose(from);
  return to;
}

/* What a command lists has to be as it was. */
static inline void netns_same(const char *was, const char *command) {
  char *is = netns_listed(command);
  tst_check(!strcmp(was, is), "it is\n%s\nwas\n%s", is, was);
}

/* A bridge br0 with a port vea, whose other end is veb: 10.1.0.1. */
static inline void netns_bridge(void) {
  netns_do("ip link add br0 type bridge && ip link set br0 up && ip link add vea type veth peer name veb && "
           "ip link set vea master br0 && ip link set vea up && ip link set veb up && ip addr add 10.1.0.1/24 dev veb");
}

/* A network with that bridge, and these settings: what a kernel was built without is asked for, and does without. */
static inline void netns_with(const char *settings) {
  netns_leave();
  netns_bridge();
  if (system(settings) == -1) tst_die("no shell");
}

/* A pair of interfaces to the network of a task: the end here is `left`, the task raises `right` itself. */
static inline void netns_left(pid_t pid) {
  char command[96];
  snprintf(command, sizeof(command), "ip link add left type veth peer name right netns %d", pid);
  netns_do(command);
  netns_do("ip addr add 10.8.0.1/24 dev left && ip link set left up");
}

static inline void netns_right(void) { netns_do("ip addr add 10.8.0.2/24 dev right && ip link set right up"); }

/* Where the task at the right listens, as who is at the left calls it. */
static inline inet_name netns_across(void) {
  return (inet_name){.four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a080002), .sin_port = htons(7)}};
}

/* For a packet filter: sockets of the port 7002, which it closes, and of 7003, which it does not. */
static inline void netns_guarded(int fds[2]) {
  for (int i = 0; i < 2; i++) {
    inet_name name = inet_loopback(AF_INET);
    name.four.sin_port = htons((uint16_t)(7002 + i));
    fds[i] = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
    tst_sys(bind(fds[i], &name.any, sizeof(name.four)));
  }
}

static inline void netns_send(int fd, uint16_t port, const char *text) {
  inet_name name = inet_loopback(AF_INET);
  name.four.sin_port = htons(port);
  tst_sys(sendto(fd, text, strlen(text), 0, &name.any, sizeof(name.four)));
}

static inline void netns_filters(const int fds[2]) {
  char text[8];
  for (int i = 1; i >= 0; i--) {
    netns_send(fds[0], (uint16_t)(7002 + i), "now");
    tst_check(recv(fds[i], text, sizeof(text), MSG_DONTWAIT) == (i ? 3 : -1), "port %d: the filter does otherwise", 7002 + i);
  }
}

#endif
