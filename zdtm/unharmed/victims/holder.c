/*
 * A small tree that holds what a dump looks into and a restore makes: full queues of many kinds, a deleted file, one that has
 * another name, a socket's file, a message queue and a segment without a name. It empties and fills its queues again and
 * again: what is lost, comes twice or in another order ends it.
 *   holder DIRECTORY READY
 */
#define _GNU_SOURCE
#include "same.h"

#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

enum { TIMES = 3 };
static int pipes[2], grams[2], streams[2], udp, event, gone, kept, queue;
static volatile uint64_t *segment;
static mqd_t unnamed;

/* A message that carries a descriptor. */
static void send_gram(char what) {
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {&what, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
  memcpy(CMSG_DATA(head), &event, sizeof(int));
  same("a message", sendmsg(grams[0], &message, 0), 1);
}

static void hear_gram(char what) {
  char control[CMSG_SPACE(sizeof(int))] = {0}, heard = 0;
  struct iovec part = {&heard, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  same("a message", recvmsg(grams[1], &message, MSG_DONTWAIT), 1);
  same("its text", heard, what);
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (!head) wrong("its descriptor", 0);
  int fd;
  memcpy(&fd, CMSG_DATA(head), sizeof(fd));
  if (close(fd)) wrong("its descriptor", fd);
}

static void fill(void) {
  fill_pipe(pipes[1]);
  same("a stream takes", write(streams[0], "abcdefghij", 10), 10);
  for (int i = 0; i < TIMES; i++) {
    send_gram((char)('a' + i));
    char text[16] = {(char)('A' + i)};
    same("UDP takes", write(udp, text, 16), 16);
    struct note note = {1 + i, {(char)('a' + i)}};
    same("a queue takes", msgsnd(queue, &note, 16, IPC_NOWAIT), 0);
    union sigval value = {.sival_int = 100 + i};
    same("a signal", sigqueue(getpid(), SIGRTMIN + 1, value), 0);
  }
  uint64_t five = 5;
  same("an eventfd takes", write(event, &five, 8), 8);
}

static void empty(void) {
  char bytes[64];
  empty_pipe(pipes[0]);
  /* it peeks from the third byte on */
  int place = 0;
  socklen_t size = sizeof(place);
  getsockopt(streams[1], SOL_SOCKET, SO_PEEK_OFF, &place, &size);
  same("the place to peek at", place, 2);
  same("a stream", recv(streams[1], bytes, 64, MSG_DONTWAIT), 10);
  if (memcmp(bytes, "abcdefghij", 10)) wrong("the bytes of a stream", bytes[0]);
  place = 2;
  setsockopt(streams[1], SOL_SOCKET, SO_PEEK_OFF, &place, size);
  sigset_t queued;
  sigemptyset(&queued);
  sigaddset(&queued, SIGRTMIN + 1);
  for (int i = 0; i < TIMES; i++) {
    hear_gram((char)('a' + i));
    char text[16];
    same("UDP", recv(udp, text, 16, MSG_DONTWAIT), 16);
    same("a datagram", text[0], 'A' + i);
    struct note note;
    same("a queue", msgrcv(queue, &note, 16, 0, IPC_NOWAIT), 16);
    same("its note", note.type, 1 + i);
    siginfo_t info;
    struct timespec now = {0, 0};
    same("a signal", sigtimedwait(&queued, &info, &now), SIGRTMIN + 1);
    same("its value", info.si_value.sival_int, 100 + i);
  }
  uint64_t count = 0;
  same("an eventfd", read(event, &count, 8), 8);
  same("its count", (long)count, 5);
}

static void look(void) {
  char text[8] = {0};
  same("the deleted file", pread(gone, text, 8, 0), 4);
  if (strcmp(text, "gone")) wrong("its text", 0);
  same("the linked file", pread(kept, text, 8, 0), 4);
  if (strcmp(text, "kept")) wrong("its text", 0);
  same("the segment", (long)*segment, 4711);
  struct mq_attr now;
  if (mq_getattr(unnamed, &now) < 0) wrong("the message queue", 0);
}

static int make(const char *name, const char *text) {
  int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) exit(1);
  return fd;
}

static void udp_to_itself(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(at);
  udp = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(udp, (struct sockaddr *)&at, size) || getsockname(udp, (struct sockaddr *)&at, &size) ||
      connect(udp, (struct sockaddr *)&at, size))
    exit(1);
}

int main(int argc, char **argv) {
  if (argc < 3 || chdir(argv[1])) return 1;
  setbuf(stdout, NULL);
  gone = make("gone", "gone"), kept = make("kept", "kept");
  if (unlink("gone") || link("kept", "other") || unlink("kept")) return 1;
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path, sizeof(name.sun_path), "%s/sock", argv[1]);
  int listening = socket(AF_UNIX, SOCK_STREAM, 0), place = 2;
  if (bind(listening, (struct sockaddr *)&name, sizeof(name)) || listen(listening, 1)) return 1;
  if (pipe2(pipes, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_DGRAM, 0, grams) || socketpair(AF_UNIX, SOCK_STREAM, 0, streams))
    return 1;
  if (setsockopt(streams[1], SOL_SOCKET, SO_PEEK_OFF, &place, sizeof(place))) return 1;
  event = eventfd(0, EFD_NONBLOCK);
  udp_to_itself();
  queue = msgget(IPC_PRIVATE, 0600);
  int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  segment = shmat(id, NULL, 0);
  shmctl(id, IPC_RMID, NULL);
  *segment = 4711;
  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 8};
  unnamed = mq_open("/holder", O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  mq_unlink("/holder");
  sigset_t queued;
  sigemptyset(&queued);
  sigaddset(&queued, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &queued, NULL);
  if (queue < 0 || unnamed < 0) return perror("holder"), 1;
  fill();
  for (int i = 0; i < 3; i++)
    if (fork() == 0)
      for (;; usleep(10000)) counters[0]++;
  FILE *ready = fopen(argv[2], "w");
  fprintf(ready, "%lx 1\n", (unsigned long)counters);
  fclose(ready);
  for (;; usleep(20000)) {
    empty();
    look();
    fill();
    counters[0]++;
  }
}
