/*
 * Closes what it has open, and looks whether that is so: again and again. Somebody else who has it open too shows.
 *   closing mounts|plain DIRECTORY READY
 * What was wrong is a line of standard output that begins with WRONG.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

volatile uint64_t counters[1];
static char path[4096], point[4096];

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what) {
  printf("WRONG: %s fails: %s\n", what, strerror(errno));
  fflush(stdout);
  exit(1);
}

/* Calls `gone` until it says so; it should at once. */
static void expect_gone(const char *what, int (*gone)(int), int fd) {
  if (gone(fd)) return;
  int64_t start = now();
  while (!gone(fd)) continue;
  printf("WRONG: %s was still open for %lld us after it was closed\n", what, (long long)(now() - start) / 1000);
  fflush(stdout);
}

static int at_end(int fd) {
  char byte;
  ssize_t got = read(fd, &byte, 1);
  return got == 0 || (got < 0 && errno == EIO);
}

static int may_lock(int fd) { return flock(fd, LOCK_EX | LOCK_NB) == 0; }

static int may_lease(int fd) { return fcntl(fd, F_SETLEASE, F_RDLCK) == 0; }

static int may_umount(int fd) {
  (void)fd;
  return umount(point) == 0;
}

static int open_file(int flags) {
  int fd = open(path, flags | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) die("open");
  return fd;
}

static void pipes(void) {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK)) die("pipe");
  close(ends[1]);
  expect_gone("a pipe", at_end, ends[0]);
  close(ends[0]);
}

static void pairs(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends)) die("socketpair");
  close(ends[1]);
  expect_gone("a socket", at_end, ends[0]);
  close(ends[0]);
}

static void terminals(void) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || unlockpt(master)) die("posix_openpt");
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (slave < 0) die("a terminal");
  close(master);
  expect_gone("a terminal", at_end, slave);
  close(slave);
}

static void locks(void) {
  int fd = open_file(O_RDWR);
  if (flock(fd, LOCK_EX)) die("flock");
  close(fd);
  fd = open_file(O_RDWR);
  expect_gone("a locked file", may_lock, fd);
  close(fd);
}

static void writers(void) {
  close(open_file(O_WRONLY));
  int fd = open_file(O_RDONLY);
  expect_gone("a file that was written", may_lease, fd);
  close(fd);
}

/* Binds to the same name as the last time, which is free by now. */
static int bind_again(int type, const void *address, socklen_t size, const char *what) {
  int fd = socket(*(const sa_family_t *)address, type, 0);
  int64_t start = now();
  if (fd < 0) die("socket");
  if (bind(fd, address, size) == 0) return fd;
  while (bind(fd, address, size)) if (errno != EADDRINUSE) die("bind");
  printf("WRONG: %s was still bound for %lld us after it was closed\n", what, (long long)(now() - start) / 1000);
  fflush(stdout);
  return fd;
}

static int names[3];

static void bound(void) {
  static struct sockaddr_un local = {.sun_family = AF_UNIX};
  static struct sockaddr_in inet = {.sin_family = AF_INET}, udp = {.sin_family = AF_INET};
  socklen_t size = sizeof(inet);
  if (local.sun_path[1] == 0) snprintf(local.sun_path + 1, sizeof(local.sun_path) - 1, "tscriu-closing-%d", getpid());
  inet.sin_addr.s_addr = udp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < 3; i++) close(names[i]);
  names[0] = bind_again(SOCK_STREAM, &local, sizeof(local), "a unix socket");
  names[1] = bind_again(SOCK_STREAM, &inet, sizeof(inet), "a TCP listener");
  names[2] = bind_again(SOCK_DGRAM, &udp, sizeof(udp), "a UDP socket");
  if (listen(names[0], 5) || listen(names[1], 5)) die("listen");
  getsockname(names[1], (struct sockaddr *)&inet, &size);
  getsockname(names[2], (struct sockaddr *)&udp, &size);
}

static void mounts(void) {
  if (mount("tscriu-closing", point, "tmpfs", 0, NULL)) die("mount");
  close(open_file(O_WRONLY));
  /* taking it away takes long: it shall be there most of the time */
  usleep(2000);
  expect_gone("a mount", may_umount, -1);
}

/* Unread bytes and packets: they are looked into, and what that takes is put back. */
static void fill(void) {
  int pair[2], full[2], master, slave;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) || write(pair[0], "queued", 6) != 6) die("socketpair");
  if (pipe(full) || write(full[1], "bytes", 5) != 5) die("pipe");
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(udp, (struct sockaddr *)&address, size) || getsockname(udp, (struct sockaddr *)&address, &size)) die("bind");
  if (sendto(udp, "packet", 6, 0, (struct sockaddr *)&address, size) != 6) die("sendto");
  master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || unlockpt(master)) die("posix_openpt");
  slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  if (slave < 0 || write(master, "line\n", 5) != 5) die("a terminal");
  int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_port = 0;
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1)) die("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);
  if (connect(client, (struct sockaddr *)&address, size)) die("connect");
  int server = accept(listener, NULL, NULL);
  if (server < 0 || write(client, "bytes", 5) != 5) die("accept");
  close(listener);
}

int main(int argc, char **argv) {
  if (argc < 4) return 1;
  int with_mounts = !strcmp(argv[1], "mounts");
  snprintf(path, sizeof(path), "%s/file", argv[2]);
  snprintf(point, sizeof(point), "%s", argv[2]);
  for (int i = 0; i < 3; i++) names[i] = -1;
  if (with_mounts) {
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) die("unshare");
  } else
    fill();
  FILE *ready = fopen(argv[3], "w");
  fprintf(ready, "%lx 1\n", (unsigned long)counters);
  fclose(ready);
  for (;; counters[0]++) {
    if (with_mounts) {
      mounts();
      continue;
    }
    pipes();
    pairs();
    terminals();
    locks();
    writers();
    bound();
  }
}
