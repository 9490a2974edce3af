/*
 * Every call that waits, in the first thread or in another, again and again: what it returns and how long it took.
 *   calls READY RESULTS NAME leader|thread
 * A line for each round in RESULTS: "ok", or what was wrong. The time asked for is 300 ms.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

volatile uint64_t counters[1];
static int results, quiet[2], pair[2];
static const char *name;
enum { ASKED_MS = 300 };

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static const struct timespec asked = {0, ASKED_MS * 1000000L};

static struct timespec at_end(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_nsec += ASKED_MS * 1000000L;
  if (t.tv_nsec >= 1000000000L) t.tv_sec++, t.tv_nsec -= 1000000000L;
  return t;
}

/* Writes to a pipe, ends a child, connects: after the time asked for, from another process. */
static pid_t later(int fd, int code) {
  pid_t pid = fork();
  if (pid == 0) {
    usleep(ASKED_MS * 1000);
    if (fd >= 0 && write(fd, "x", 1) != 1) _exit(99);
    _exit(code);
  }
  return pid;
}

/* Each returns what it got, or -errno; the second number is what it should be. */
static long wait_once(long *want) {
  char byte;
  struct timespec t = asked;
  *want = 0;
  if (!strcmp(name, "nanosleep")) return nanosleep(&t, NULL) ? -errno : 0;
  if (!strcmp(name, "clock_nanosleep")) return -clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
  if (!strcmp(name, "clock_nanosleep_absolute")) {
    t = at_end(CLOCK_MONOTONIC);
    return -clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
  }
  struct pollfd one = {.fd = quiet[0], .events = POLLIN};
  if (!strcmp(name, "poll")) return poll(&one, 1, ASKED_MS) < 0 ? -errno : 0;
  if (!strcmp(name, "ppoll")) {
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    return ppoll(&one, 1, &t, &some) < 0 ? -errno : 0;
  }
  if (!strcmp(name, "epoll_wait")) {
    int fd = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(fd, EPOLL_CTL_ADD, quiet[0], &event);
    long got = epoll_wait(fd, &event, 1, ASKED_MS) < 0 ? -errno : 0;
    close(fd);
    return got;
  }
  fd_set set;
  FD_ZERO(&set);
  FD_SET(quiet[0], &set);
  if (!strcmp(name, "select")) {
    struct timeval v = {0, ASKED_MS * 1000};
    return select(quiet[0] + 1, &set, NULL, NULL, &v) < 0 ? -errno : 0;
  }
  if (!strcmp(name, "pselect")) return pselect(quiet[0] + 1, &set, NULL, NULL, &t, NULL) < 0 ? -errno : 0;
  if (!strcmp(name, "futex")) {
    uint32_t word = 5;
    *want = -ETIMEDOUT;
    return syscall(SYS_futex, &word, FUTEX_WAIT, 5, &t, NULL, 0) < 0 ? -errno : 0;
  }
  if (!strcmp(name, "sem_timedwait")) {
    sem_t sem;
    sem_init(&sem, 0, 0);
    t = at_end(CLOCK_REALTIME);
    *want = -ETIMEDOUT;
    return sem_timedwait(&sem, &t) < 0 ? -errno : 0;
  }
  if (!strcmp(name, "sigtimedwait")) {
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR2);
    *want = -EAGAIN;
    return sigtimedwait(&some, NULL, &t) < 0 ? -errno : 0;
  }
  if (!strcmp(name, "recv")) {
    *want = -EAGAIN;
    return recv(pair[0], &byte, 1, 0) < 0 ? -errno : 0;
  }
  if (!strcmp(name, "wait4")) {
    *want = 7;
    pid_t pid = later(-1, 7);
    int status;
    return waitpid(pid, &status, 0) < 0 ? -errno : WEXITSTATUS(status);
  }
  if (!strcmp(name, "read")) {
    int ends[2];
    *want = 1;
    if (pipe(ends)) return -1000;
    pid_t pid = later(ends[1], 0);
    long got = read(ends[0], &byte, 1);
    if (got < 0) got = -errno;
    while (waitpid(pid, NULL, 0) < 0) continue;
    close(ends[0]);
    close(ends[1]);
    return got;
  }
  if (!strcmp(name, "accept")) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "tscriu-calls-%d", getpid());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 5)) return -1000;
    pid_t pid = fork();
    if (pid == 0) {
      usleep(ASKED_MS * 1000);
      int to = socket(AF_UNIX, SOCK_STREAM, 0);
      if (connect(to, (struct sockaddr *)&address, sizeof(address))) _exit(99);
      /* it stays until it was accepted and closed: no dump can keep a connection that its client has left */
      while (read(to, &byte, 1) != 0) continue;
      _exit(0);
    }
    int got = accept(fd, NULL, NULL);
    long result = got < 0 ? -errno : 1;
    *want = 1;
    close(got);
    while (waitpid(pid, NULL, 0) < 0) continue;
    close(fd);
    return result;
  }
  return -2000;
}

static __attribute__((noreturn)) void *live(void *arg) {
  (void)arg;
  for (;;) {
    long want;
    int64_t start = now();
    long got = wait_once(&want);
    int64_t took = now() - start;
    if (got != want) dprintf(results, "%s returned %ld, not %ld, after %lld us\n", name, got, want, (long long)took / 1000);
    /* a timeout of a socket is counted in ticks */
    else if (took < ASKED_MS * 1000000LL - 10000000) dprintf(results, "%s took only %lld us\n", name, (long long)took / 1000);
    else dprintf(results, "ok %lld\n", (long long)took / 1000);
    counters[0]++;
  }
}

int main(int argc, char **argv) {
  struct timeval patience = {0, ASKED_MS * 1000};
  if (argc < 5 || pipe(quiet) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return 1;
  name = argv[2];
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sigset_t usr2;
  sigemptyset(&usr2);
  sigaddset(&usr2, SIGUSR2);
  sigprocmask(SIG_BLOCK, &usr2, NULL);
  results = open(argv[4], O_WRONLY | O_CREAT | O_APPEND, 0644);
  FILE *ready = fopen(argv[1], "w");
  fprintf(ready, "%lx 1\n", (unsigned long)counters);
  fclose(ready);
  if (!strcmp(argv[3], "leader")) live(NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, live, NULL);
  for (;;) pause();
}
