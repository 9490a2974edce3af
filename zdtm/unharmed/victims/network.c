/*
 * TCP connections in several states, with somebody outside and within the tree. `network peer PORTFILE` is the one outside: it
 * serves whoever calls. `network tree PORT READY` is the tree: a thread for each connection, which counts what went well;
 * `network queue PORT READY` lets a call of the peer wait as well; with `waiting` for `queue` it may be away for a moment. All say
 * WRONG and end when anything is not as it should be.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * By turns: both talk; only the peer does, we ended; only we do, the peer ended; data that nobody reads; within the tree; a call
 * of the peer that nobody accepts
 */
enum { TALK, LISTENS, SPEAKS, QUEUE, WITHIN, WAITS, KINDS };
enum { QUEUED = 100000 };

volatile uint64_t counters[KINDS];
static uint16_t port;
/* How often a call that waits may not be there: whoever puts it back when tscriu is killed does so while we run */
static int patience;

static __attribute__((noreturn)) void wrong(const char *what, int kind) {
  dprintf(2, "WRONG %s of connection %d in %d: %s\n", what, kind, getpid(), strerror(errno));
  _exit(42);
}

static void put(int fd, const void *bytes, size_t size, int kind) {
  for (size_t at = 0; at < size;) {
    ssize_t done = send(fd, (const char *)bytes + at, size - at, MSG_NOSIGNAL);
    if (done < 0) wrong("send", kind);
    at += (size_t)done;
  }
}

static void get(int fd, void *bytes, size_t size, int kind) {
  for (size_t at = 0; at < size;) {
    ssize_t done = recv(fd, (char *)bytes + at, size - at, 0);
    if (done == 0) errno = 0;
    if (done <= 0) wrong("recv", kind);
    at += (size_t)done;
  }
}

static void say(int fd, uint64_t number, int kind) { put(fd, &number, sizeof(number), kind); }

static void hear(int fd, uint64_t number, int kind) {
  uint64_t heard;
  get(fd, &heard, sizeof(heard), kind);
  if (heard != number) wrong("number", kind);
}

static void pattern(uint8_t *to) {
  for (int i = 0; i < QUEUED; i++) to[i] = (uint8_t)(i * 7 + i / 256);
}

static struct sockaddr_in loopback(uint16_t to) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = to};
}

/* Calls the tree, which does not answer; any end of that is wrong. */
static __attribute__((noreturn)) void wait_there(int fd) {
  uint16_t to;
  char byte;
  get(fd, &to, sizeof(to), WAITS);
  struct sockaddr_in name = loopback(to);
  int waiting = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(waiting, (struct sockaddr *)&name, sizeof(name))) wrong("connect", WAITS);
  say(waiting, 1, WAITS);
  if (recv(waiting, &byte, 1, 0) == 0) errno = 0;
  wrong("recv", WAITS);
}

static void *serve(void *argument) {
  int fd = (int)(intptr_t)argument;
  char kind;
  static uint8_t bytes[QUEUED];
  get(fd, &kind, 1, -1);
  if (kind == WAITS) wait_there(fd);
  if (kind == SPEAKS) shutdown(fd, SHUT_WR);
  if (kind == QUEUE) pattern(bytes), put(fd, bytes, QUEUED, kind);
  for (uint64_t n = 0; kind != QUEUE; n++) {
    if (kind != LISTENS) hear(fd, n, kind);
    if (kind != SPEAKS) say(fd, n + 1, kind);
    if (kind == LISTENS) usleep(1000);
  }
  return NULL;
}

static int listener(struct sockaddr_in *name) {
  socklen_t length = sizeof(*name);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  *name = loopback(0);
  if (bind(fd, (struct sockaddr *)name, length) || listen(fd, 16)) wrong("listen", -1);
  getsockname(fd, (struct sockaddr *)name, &length);
  return fd;
}

static int call(uint16_t to, char kind) {
  struct sockaddr_in name = loopback(to);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&name, sizeof(name))) wrong("connect", kind);
  put(fd, &kind, 1, kind);
  if (kind == LISTENS) shutdown(fd, SHUT_WR);
  return fd;
}

static __attribute__((noreturn)) void *keep_waiting(void *argument) {
  (void)argument;
  struct sockaddr_in name;
  int fd = listener(&name), to = call(port, WAITS);
  put(to, &name.sin_port, sizeof(name.sin_port), WAITS);
  for (int missed = 0;; usleep(2000)) {
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    errno = 0;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length)) wrong("info", WAITS);
    missed = info.tcpi_unacked == 1 ? 0 : missed + 1;
    if (missed == 0) counters[WAITS]++;
    else if (counters[WAITS] > 0 && missed > patience) wrong("queue", WAITS);
  }
}

static __attribute__((noreturn)) void *live(void *argument) {
  int kind = (int)(intptr_t)argument, fd = call(port, (char)kind);
  static uint8_t bytes[QUEUED], right[QUEUED];
  if (kind == QUEUE) pattern(right);
  for (uint64_t n = 0;; n++) {
    if (kind == QUEUE) {
      if (recv(fd, bytes, QUEUED, MSG_PEEK | MSG_WAITALL) != QUEUED || memcmp(bytes, right, QUEUED)) wrong("queue", kind);
    } else {
      if (kind != LISTENS) say(fd, n, kind);
      if (kind != SPEAKS) hear(fd, n + 1, kind);
    }
    counters[kind]++;
    /* to look at all of a queue is no small work */
    usleep(kind == QUEUE ? 20000 : 2000);
  }
}

static __attribute__((noreturn)) void *within(void *argument) {
  int fd = (int)(intptr_t)argument;
  for (uint64_t n = 0;; n++) {
    say(fd, n, WITHIN);
    hear(fd, n + 1, WITHIN);
    counters[WITHIN]++;
    usleep(1000);
  }
}

static void begin(void *(*run)(void *), intptr_t argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, (void *)argument)) wrong("thread", -1);
}

static void write_number(const char *path, const char *format, unsigned long a, unsigned long b) {
  FILE *file = fopen(path, "w");
  fprintf(file, format, a, b);
  fclose(file);
}

int main(int argc, char **argv) {
  struct sockaddr_in name;
  int fd = listener(&name);
  signal(SIGPIPE, SIG_IGN);
  if (argc == 3) {
    write_number(argv[2], "%lu\n", ntohs(name.sin_port), 0);
    for (;;) begin(serve, accept(fd, NULL, NULL));
  }
  if (argc != 4) return 1;
  port = htons((uint16_t)atoi(argv[2]));
  if (fork() == 0) {
    int to = accept(fd, NULL, NULL);
    close(fd);
    serve((void *)(intptr_t)to);
  }
  int child = call(name.sin_port, WITHIN);
  close(fd);
  begin(within, child);
  for (int kind = 0; kind < WITHIN; kind++) begin(live, kind);
  int waits = strcmp(argv[1], "tree") != 0;
  patience = strcmp(argv[1], "queue") ? 1000 : 0;
  if (waits) begin(keep_waiting, 0);
  for (int kind = 0; kind < (waits ? KINDS : WAITS); kind++)
    while (counters[kind] == 0) usleep(1000);
  write_number(argv[3], "%lx %lu\n", (unsigned long)counters, KINDS);
  for (;;) pause();
}
