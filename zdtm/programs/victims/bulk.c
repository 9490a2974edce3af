/*
 * One end of a transfer: `bulk ADDRESS` listens and says its port, `bulk ADDRESS PORT` connects there. Bytes flow as fast as they
 * can until the sender gets SIGTERM. Each says how far it is, the sum of all bytes at the end, and WRONG when something is.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 1 << 16, REPORT = 16 << 20 };

static uint8_t block[BLOCK];
static uint64_t count, sum = 14695981039346656037u, next = 88172645463325252u;
static volatile sig_atomic_t ends;

static void end(int number) {
  (void)number;
  ends = 1;
}

static __attribute__((noreturn)) void wrong(const char *what) {
  printf("WRONG %s: %s behind byte %llu\n", what, strerror(errno), (unsigned long long)count);
  exit(1);
}

/* Counts and sums, and tells each time some more megabytes are through. */
static void account(size_t bytes) {
  uint64_t before = count;
  for (size_t i = 0; i < bytes; i++) sum = (sum ^ block[i]) * 1099511628211u;
  count += bytes;
  if (before / REPORT != count / REPORT) printf("at %llu\n", (unsigned long long)(count / REPORT));
}

static void send_all(int fd) {
  while (!ends) {
    for (size_t i = 0; i < BLOCK; i += 8) {
      next ^= next << 13, next ^= next >> 7, next ^= next << 17;
      memcpy(block + i, &next, 8);
    }
    for (size_t at = 0; at < BLOCK;) {
      ssize_t put = send(fd, block + at, BLOCK - at, MSG_NOSIGNAL);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) wrong("send");
      at += (size_t)put;
    }
    account(BLOCK);
  }
  if (shutdown(fd, SHUT_WR)) wrong("shutdown");
  /* the other end closes when it has all */
  if (recv(fd, block, 1, 0) != 0) wrong("the end");
}

static void receive_all(int fd) {
  for (ssize_t got; (got = recv(fd, block, BLOCK, 0)) != 0; account((size_t)got))
    if (got < 0) wrong("recv");
}

int main(int argc, char **argv) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(argv[1])};
  socklen_t length = sizeof(name);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, NULL);
  if (argc > 2) {
    name.sin_port = htons((uint16_t)atoi(argv[2]));
    if (connect(fd, (struct sockaddr *)&name, length)) wrong("connect");
    send_all(fd);
  } else {
    if (bind(fd, (struct sockaddr *)&name, length) || listen(fd, 1)) wrong("listen");
    getsockname(fd, (struct sockaddr *)&name, &length);
    printf("port %d\n", ntohs(name.sin_port));
    int to = accept(fd, NULL, NULL);
    receive_all(to);
  }
  printf("sum %llu of %llu\n", (unsigned long long)sum, (unsigned long long)count);
  return 0;
}
