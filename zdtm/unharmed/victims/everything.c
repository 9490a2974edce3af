/*
 * Has one of each kind of descriptor that can be saved without an option, and looks without a pause whether each still holds what
 * it has to: by calls that take nothing away, so that nothing of it changes. A child has the rest of it open as well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

volatile uint64_t counters[1];

static void wrong(const char *what, long got, long wanted) {
  fprintf(stderr, "WRONG %s: %ld, not %ld (%s)\n", what, got, wanted, strerror(errno));
  exit(1);
}

static void same(const char *what, long got, long wanted) {
  if (got != wanted) wrong(what, got, wanted);
}

static int must(const char *what, int value) {
  if (value < 0) wrong(what, value, 0);
  return value;
}

/* Bytes that wait, and that a look at them shows. */
static void waits(const char *what, int fd, int bytes) {
  int there = -1;
  must(what, ioctl(fd, FIONREAD, &there));
  same(what, there, bytes);
}

static void peeks(const char *what, int fd, const char *text) {
  char got[64];
  same(what, recv(fd, got, sizeof(got), MSG_PEEK | MSG_DONTWAIT), (long)strlen(text));
  same(what, memcmp(got, text, strlen(text)), 0);
}

static void polls(const char *what, int fd, int events) {
  struct pollfd one = {fd, POLLIN, 0};
  must(what, poll(&one, 1, 0));
  same(what, one.revents, events);
}

/* What a dumper takes out for a moment comes back from somebody else when that one is killed, a little later. */
static void soon(int fd, int bytes, int events) {
  for (int turn = 0; turn < 5000; turn++) {
    struct pollfd one = {fd, POLLIN, 0};
    int there = bytes;
    if (bytes) must("a look", ioctl(fd, FIONREAD, &there));
    if (there == bytes && poll(&one, 1, 0) >= 0 && one.revents == events) return;
    usleep(1000);
  }
}

/* The kernel interrupts this call for whoever stops the task, and only a dumper that lives can have it made once more. */
static long answers(aio_context_t ring) {
  struct timespec none = {0};
  struct io_event answer;
  long got;
  do got = syscall(SYS_io_getevents, ring, 0, 1, &answer, &none);
  while (got < 0 && errno == EINTR);
  return got;
}

/* A line of a descriptor's state. */
static void tells(const char *what, int fd, const char *line) {
  char path[64], text[4096] = {0};
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
  int info = must(path, open(path, O_RDONLY));
  must(path, (int)read(info, text, sizeof(text) - 1));
  close(info);
  if (!strstr(text, line)) fprintf(stderr, "%s", text), wrong(what, 0, 1);
}

static int inet(int type, int protocol, struct sockaddr_in *name) {
  socklen_t length = sizeof(*name);
  int fd = must("socket", socket(AF_INET, type | SOCK_NONBLOCK, protocol));
  *name = (struct sockaddr_in){AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  must("bind", bind(fd, (void *)name, length));
  must("getsockname", getsockname(fd, (void *)name, &length));
  return fd;
}

static void say(int fd, const char *text) { same("say", write(fd, text, strlen(text)), (long)strlen(text)); }

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  char text[64], *file = "file", *gone = "gone";
  int pipes[2], pair[2], packets[2], letters[2], one = 1;
  struct sockaddr_in name, dead;

  int events = must("eventfd", eventfd(7, EFD_NONBLOCK));
  sigset_t signals;
  sigemptyset(&signals), sigaddset(&signals, SIGUSR2), sigprocmask(SIG_BLOCK, &signals, NULL);
  int signs = must("signalfd", signalfd(-1, &signals, SFD_NONBLOCK));
  raise(SIGUSR2);
  int timer = must("timerfd", timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  must("timer", timerfd_settime(timer, 0, &(struct itimerspec){.it_value.tv_nsec = 1}, NULL));
  must("pipe", pipe(pipes));
  say(pipes[1], "in a pipe");
  int watches = must("epoll", epoll_create1(0));
  must("watch", epoll_ctl(watches, EPOLL_CTL_ADD, pipes[0], &(struct epoll_event){EPOLLIN, {.u32 = 11}}));
  /* one that was ended may have left its files */
  unlink("fifo"), unlink("file"), unlink("socket"), unlink("created");
  must("mkfifo", mkfifo("fifo", 0600));
  int fifo = must("fifo", open("fifo", O_RDWR));
  say(fifo, "in a fifo");

  int plain = must("file", open(file, O_RDWR | O_CREAT | O_APPEND, 0600)), unlinked = must("gone", open(gone, O_RDWR | O_CREAT, 0600));
  say(plain, "plain"), say(unlinked, "gone");
  unlink(gone);
  int directory = must("directory", open(".", O_DIRECTORY)), path = must("path", open(file, O_PATH)), null = must("null", open("/dev/null", O_RDWR)),
      status = must("status", open("/proc/self/status", O_RDONLY)), network = must("network", open("/proc/self/ns/net", O_RDONLY));
  int memory = must("memfd", memfd_create("memory", MFD_ALLOW_SEALING));
  say(memory, "sealed");
  must("seal", fcntl(memory, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
  int inotify = must("inotify", inotify_init1(IN_NONBLOCK));
  must("watch", inotify_add_watch(inotify, ".", IN_CREATE));
  close(must("created", open("created", O_CREAT | O_RDWR, 0600)));
  int fanotify = must("fanotify", fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY));
  must("mark", fanotify_mark(fanotify, FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD, file));
  int master = must("master", posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK));
  must("unlock", unlockpt(master) || grantpt(master) ? -1 : 0);
  int slave = must("slave", open(ptsname(master), O_RDWR | O_NOCTTY));
  say(slave, "output");

  must("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  must("packets", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, packets));
  must("letters", socketpair(AF_UNIX, SOCK_DGRAM, 0, letters));
  say(pair[0], "a stream"), say(packets[0], "a packet");
  /* with a descriptor in it */
  char room[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {"a letter", 8};
  struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
  struct cmsghdr *control = CMSG_FIRSTHDR(&head);
  *control = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(control), &plain, sizeof(int));
  must("rights", (int)sendmsg(letters[0], &head, 0));
  struct sockaddr_un local = {AF_UNIX, "socket"};
  int listens = must("listener", socket(AF_UNIX, SOCK_STREAM, 0)), calls = must("caller", socket(AF_UNIX, SOCK_STREAM, 0));
  must("bind", bind(listens, (void *)&local, sizeof(local)));
  must("listen", listen(listens, 4));
  must("connect", connect(calls, (void *)&local, sizeof(local)));

  int datagrams = inet(SOCK_DGRAM, 0, &name);
  must("sendto", (int)sendto(datagrams, "a datagram", 10, 0, (void *)&name, sizeof(name)));
  /* an error, and another one in a queue */
  close(inet(SOCK_DGRAM, 0, &dead));
  int refused = inet(SOCK_DGRAM, 0, &name), told = inet(SOCK_DGRAM, 0, &name);
  must("connect", connect(refused, (void *)&dead, sizeof(dead)));
  say(refused, "nobody");
  must("recverr", setsockopt(told, SOL_IP, IP_RECVERR, &one, sizeof(one)));
  must("sendto", (int)sendto(told, "nobody", 6, 0, (void *)&dead, sizeof(dead)));
  int group[2];
  for (int i = 0; i < 2; i++) {
    struct sock_filter second = {BPF_RET | BPF_K, 0, 0, 1};
    group[i] = must("group", socket(AF_INET, SOCK_DGRAM, 0));
    must("reuseport", setsockopt(group[i], SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
    if (i == 0) name.sin_port = 0;
    must("bind", bind(group[i], (void *)&name, sizeof(name)));
    socklen_t length = sizeof(name);
    must("getsockname", getsockname(group[i], (void *)&name, &length));
    if (i == 1) must("choose", setsockopt(group[i], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &(struct sock_fprog){1, &second}, sizeof(struct sock_fprog)));
  }
  int raw = must("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  must("filter", setsockopt(raw, SOL_RAW, ICMP_FILTER, &(struct icmp_filter){~0u}, sizeof(struct icmp_filter)));
  int routes = must("netlink", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), captures = must("packet", socket(AF_PACKET, SOCK_RAW, 0));
  must("bind", bind(routes, (void *)&(struct sockaddr_nl){.nl_family = AF_NETLINK}, sizeof(struct sockaddr_nl)));

  aio_context_t ring = 0;
  must("io_setup", (int)syscall(SYS_io_setup, 8, &ring));
  struct iocb request = {.aio_data = 5, .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (unsigned)fanotify, .aio_buf = POLLIN}, *list[] = {&request};
  same("a request", syscall(SYS_io_submit, ring, 1, list), 1);

  pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  int process = must("pidfd", (int)syscall(SYS_pidfd_open, child, 0));
  struct pollfd errors[] = {{refused, 0, 0}, {told, 0, 0}};
  for (int i = 0; i < 2; i++) must("an error", poll(&errors[i], 1, 5000));

  FILE *ready = fopen(argv[1], "w");
  fprintf(ready, "%lx 1\n", (unsigned long)counters);
  fclose(ready);
  for (;;) {
    struct epoll_event event;
    struct stat stat;
    unsigned filter = 0;
    socklen_t length = sizeof(filter);
    tells("the eventfd", events, "eventfd-count:                7");
    polls("the signalfd", signs, POLLIN);
    polls("the timerfd", timer, POLLIN);
    tells("the timerfd", timer, "ticks: 1");
    waits("the pipe", pipes[0], 9);
    same("the epoll", epoll_wait(watches, &event, 1, 0), 1);
    same("the epoll", event.data.u32, 11);
    waits("the fifo", fifo, 9);
    same("the file", pread(plain, text, sizeof(text), 0), 5);
    same("the deleted file", pread(unlinked, text, sizeof(text), 0), 4);
    must("the directory", fstat(directory, &stat));
    must("the path", fstat(path, &stat));
    same("the device", write(null, text, 1), 1);
    if (pread(status, text, sizeof(text), 0) <= 0) wrong("the status", 0, 1);
    must("the namespace", fstat(network, &stat));
    same("the memfd", pread(memory, text, sizeof(text), 0), 6);
    same("the seals", fcntl(memory, F_GET_SEALS), F_SEAL_GROW | F_SEAL_SHRINK);
    polls("the inotify", inotify, POLLIN);
    polls("the fanotify", fanotify, 0);
    soon(master, 6, POLLIN);
    waits("the terminal", master, 6);
    peeks("the stream", pair[1], "a stream");
    peeks("the packets", packets[1], "a packet");
    peeks("the letters", letters[1], "a letter");
    polls("the listener", listens, POLLIN);
    peeks("the datagrams", datagrams, "a datagram");
    soon(refused, 0, POLLERR);
    polls("the error", refused, POLLERR);
    polls("the error queue", told, POLLERR);
    must("the group", getsockname(group[0], (void *)&name, &(socklen_t){sizeof(name)}));
    must("the raw socket", getsockopt(raw, SOL_RAW, ICMP_FILTER, &filter, &length));
    same("the raw socket", (long)filter, ~0u);
    must("the netlink socket", getsockname(routes, (void *)&(struct sockaddr_nl){0}, &(socklen_t){sizeof(struct sockaddr_nl)}));
    polls("the packet socket", captures, 0);
    same("the request", answers(ring), 0);
    polls("the process", process, 0);
    counters[0]++;
  }
}
