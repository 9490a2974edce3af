/* A second network namespace, in which a case has sockets without living there. */
#ifndef ELSEWHERE_H
#define ELSEWHERE_H
#include "inet.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#define SIOCGSKNS_ 0x894c

static inline void elsewhere_loopback(void) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  tst_sys(ioctl(fd, SIOCSIFFLAGS, &lo));
  close(fd);
}

/* A process that lives there; outside of the case's tree when it is to be, else its child. */
static inline pid_t elsewhere_holder(bool outside) {
  tst_step *step = tst_new_step();
  pid_t *pid = tst_shared(tst_page()), parent = tst_sys(fork());
  if (parent == 0) {
    pid_t child = outside ? tst_sys(fork()) : 0;
    if (child) _exit(0);
    *pid = getpid();
    if (outside) tst_sys(setsid());
    tst_sys(unshare(CLONE_NEWNET));
    elsewhere_loopback();
    tst_set(step, 1);
    tst_sleep();
  }
  if (outside) tst_reap(parent);
  tst_await(step, 1);
  return *pid;
}

/* A descriptor of the namespace of a process. */
static inline int elsewhere_of(pid_t pid) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
  return tst_sys(open(path, O_RDONLY | O_CLOEXEC));
}

static inline ino_t elsewhere_inode(int fd) {
  struct stat st;
  tst_sys(fstat(fd, &st));
  return st.st_ino;
}

/* In which namespace a socket is. */
static inline ino_t elsewhere_is(int socket) {
  int fd = tst_sys(ioctl(socket, SIOCGSKNS_));
  ino_t inode = elsewhere_inode(fd);
  close(fd);
  return inode;
}

static inline void elsewhere_enter(int fd) { tst_sys(setns(fd, CLONE_NEWNET)); }

#endif
