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

#endif
