/*
 * A small tree with something of everything, asleep: threads, a child, a zombie, files, a pipe with bytes, an eventfd, an
 * epoll, a socket pair, timers, handlers. Static, so that no image names a file that is not its own.
 *   small READY FILE
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

volatile uint64_t counters[1];
static int idle[2];

static void *sleeper(void *arg) {
  char byte;
  while (read(idle[0], &byte, 1) != 1) continue;
  return arg;
}

static void ignore(int signo) { (void)signo; }

int main(int argc, char **argv) {
  if (argc < 3) return 1;
  signal(SIGUSR1, ignore);
  int file = open(argv[2], O_RDWR | O_CREAT | O_APPEND, 0644);
  if (file < 0 || write(file, "here\n", 5) != 5 || pipe(idle)) return 1;
  pid_t dead = fork();
  if (dead == 0) _exit(3);
  siginfo_t info;
  waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT);
  int full[2], pair[2];
  if (pipe(full) || write(full[1], "bytes", 5) != 5) return 1;
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) || write(pair[0], "queued", 6) != 6) return 1;
  int event = eventfd(7, EFD_SEMAPHORE), epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
  struct epoll_event want = {.events = EPOLLIN, .data.u64 = 5};
  epoll_ctl(epoll, EPOLL_CTL_ADD, event, &want);
  struct itimerspec late = {{0, 0}, {100000, 0}};
  timerfd_settime(timer, 0, &late, NULL);
  timer_t posix;
  struct sigevent note = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  timer_create(CLOCK_MONOTONIC, &note, &posix);
  timer_settime(posix, 0, &late, NULL);
  char *memory = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *both = mmap(NULL, 1 << 14, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  strcpy(memory, "private");
  strcpy(both, "shared");
  sigset_t usr2;
  sigemptyset(&usr2);
  sigaddset(&usr2, SIGUSR2);
  sigprocmask(SIG_BLOCK, &usr2, NULL);
  raise(SIGUSR2);
  if (fork() == 0) {
    setpgid(0, 0);
    sleeper(NULL);
  }
  pthread_t thread;
  pthread_create(&thread, NULL, sleeper, NULL);
  usleep(20000);
  FILE *ready = fopen(argv[1], "w");
  fprintf(ready, "%lx 1\n", (unsigned long)counters);
  fclose(ready);
  for (;;) pause();
}
