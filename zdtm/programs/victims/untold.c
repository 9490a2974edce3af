/* Has the root of a mount that stands nowhere, the root of its own, and messages that wait in sockets of which all but one tell when they came. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/mount.h, which glibc has something else by */
#define OPEN_TREE_CLONE 1
#define NR_OPEN_TREE 428

static int udp(int stamps) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof(name);
  if (bind(fd, (struct sockaddr *)&name, length) || getsockname(fd, (struct sockaddr *)&name, &length)) return -1;
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &stamps, sizeof(stamps))) return -1;
  if (sendto(sender, "one", 3, 0, (struct sockaddr *)&name, length) != 3) return -1;
  close(sender);
  return fd;
}

int main(void) {
  int own = open("/", O_PATH), mount = syscall(NR_OPEN_TREE, AT_FDCWD, "/", OPEN_TREE_CLONE);
  int plain = udp(0), datagrams = udp(1), pair[2], on = 1;
  if (own < 0 || mount < 0 || plain < 0 || datagrams < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)) return perror("untold"), 1;
  if (setsockopt(pair[1], SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on))) return perror("SO_TIMESTAMP"), 1;
  if (send(pair[0], "one", 3, 0) != 3 || send(pair[0], "two", 3, 0) != 3) return perror("send"), 1;
  printf("mount %d datagrams %d packets %d\n", mount, datagrams, pair[1]);
  fflush(stdout);
  for (;;) pause();
}
