/*
 * The init of a container (lib/container.ts makes its namespaces and its root) and three processes below it: files of tmpfs,
 * disk and a bound directory, deleted ones, pipes, unix and TCP sockets, a terminal of its own devpts, System V objects. It looks
 * at all of that again and again, and at its mounts, interfaces, name and clocks: what is not as it was ends it.
 *   container READY
 */
#define _GNU_SOURCE
#include "same.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#define BRIDGE "br0"
#define ADDRESS "10.99.0.1"
enum { PORT = 4242, KEY = 0x7ab1e };

static int pipes[2], pair[2], gone, kept, held, bound, unlinked, shm, sem, msg;
static volatile uint64_t *segment;
static long mounts, indices[3];
static const char *const interfaces[] = {BRIDGE, "dum0", "eth0"};
static struct timespec last;

static int needed(const char *what, int got) {
  if (got < 0) {
    perror(what);
    exit(1);
  }
  return got;
}

static int make(const char *name, const char *text) {
  int fd = needed(name, open(name, O_RDWR | O_CREAT | O_EXCL, 0644));
  needed(name, (int)write(fd, text, strlen(text)));
  return fd;
}

static long lines(const char *path) {
  char text[16384];
  int fd = open(path, O_RDONLY);
  long count = 0;
  for (ssize_t got; (got = read(fd, text, sizeof(text))) > 0;)
    for (ssize_t i = 0; i < got; i++) count += text[i] == '\n';
  close(fd);
  return count;
}

static void reads(int fd, const char *text) {
  char have[16] = {0};
  same(text, pread(fd, have, sizeof(have) - 1, 0), (long)strlen(text));
  same(text, strcmp(have, text), 0);
}

static void is(const char *path, const char *text) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) wrong(path, fd);
  reads(fd, text);
  close(fd);
}

static void fill(void) {
  fill_pipe(pipes[1]);
  same("a socket takes", send(pair[0], "abcdefghij", 10, 0), 10);
  struct note note = {7, "a note"};
  same("a queue takes", msgsnd(msg, &note, 16, IPC_NOWAIT), 0);
}

static void empty(void) {
  char bytes[64];
  empty_pipe(pipes[0]);
  same("a socket", recv(pair[1], bytes, 64, MSG_DONTWAIT), 10);
  same("its bytes", memcmp(bytes, "abcdefghij", 10), 0);
  struct note note;
  same("a queue", msgrcv(msg, &note, 16, 0, IPC_NOWAIT), 16);
  same("its note", strcmp(note.text, "a note"), 0);
}

static void look(void) {
  char name[64] = "";
  reads(gone, "gone"), reads(kept, "kept"), reads(held, "held"), reads(bound, "bound"), reads(unlinked, "unlinked");
  is("/tmp/held", "held"), is("/data/other", "kept"), is("/bound/file", "bound");
  if (access("/over", F_OK) == 0) is("/over/low", "low");
  gethostname(name, sizeof(name));
  same("the host's name", strcmp(name, "boxed"), 0);
  same("the segment", (long)*segment, 4711);
  same("the segment's id", shmget(KEY, 0, 0), shm);
  same("a semaphore", semctl(sem, 0, GETVAL), 3);
  same("the mounts", lines("/proc/self/mountinfo"), mounts);
  for (int i = 0; i < 3; i++) same(interfaces[i], if_nametoindex(interfaces[i]), indices[i]);
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  if (now.tv_sec < last.tv_sec) wrong("the clock goes back", now.tv_sec);
  last = now;
}

static void count(void) {
  for (;; usleep(10000)) counters[0]++;
}

/* A session with a terminal, and what somebody typed in it. */
static void terminal(void) {
  setsid();
  int master = needed("ptmx", open("/dev/pts/ptmx", O_RDWR | O_NOCTTY));
  unlockpt(master);
  char name[64];
  snprintf(name, sizeof(name), "/dev/pts/%d", (int)strtol(ptsname(master) + 9, NULL, 10));
  needed(name, open(name, O_RDWR));
  needed("the terminal", (int)write(master, "typed\n", 6));
  count();
}

/* A server with a client that it has accepted. */
static void server(int ready) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  inet_aton(ADDRESS, &at.sin_addr);
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/sock"};
  int tcp = needed("socket", socket(AF_INET, SOCK_STREAM, 0)), local = needed("socket", socket(AF_UNIX, SOCK_STREAM, 0));
  needed("bind", bind(tcp, (struct sockaddr *)&at, sizeof(at)));
  needed("listen", listen(tcp, 4));
  needed("bind", bind(local, (struct sockaddr *)&name, sizeof(name)));
  needed("listen", listen(local, 4));
  int client = needed("socket", socket(AF_UNIX, SOCK_STREAM, 0));
  needed("connect", connect(client, (struct sockaddr *)&name, sizeof(name)));
  int accepted = needed("accept", accept(local, NULL, NULL));
  needed("send", (int)send(client, "waiting", 7, 0));
  if (write(ready, ".", 1) != 1 || accepted < 0) exit(1);
  count();
}

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  setbuf(stdout, NULL);
  needed("/old", umount2("/old", MNT_DETACH));
  gone = make("/tmp/gone", "gone"), held = make("/tmp/held", "held");
  kept = make("/data/kept", "kept"), unlinked = make("/data/unlinked", "unlinked");
  needed("link", link("/data/kept", "/data/other"));
  if (unlink("/tmp/gone") || unlink("/data/kept") || unlink("/data/unlinked")) return perror("unlink"), 1;
  bound = needed("/bound/file", open("/bound/file", O_RDONLY));
  if (pipe2(pipes, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return 1;
  shm = needed("shmget", shmget(KEY, 4096, IPC_CREAT | 0600));
  segment = shmat(shm, NULL, 0);
  *segment = 4711;
  sem = needed("semget", semget(KEY, 1, IPC_CREAT | 0600));
  needed("semctl", semctl(sem, 0, SETVAL, 3));
  msg = needed("msgget", msgget(KEY, IPC_CREAT | 0600));
  mounts = lines("/proc/self/mountinfo");
  for (int i = 0; i < 3; i++) indices[i] = if_nametoindex(interfaces[i]);
  int ready[2];
  if (pipe(ready)) return 1;
  if (fork() == 0) terminal();
  if (fork() == 0) server(ready[1]);
  if (fork() == 0) {
    close(pipes[0]);
    count();
  }
  char byte;
  if (read(ready[0], &byte, 1) != 1) return 1;
  close(ready[0]), close(ready[1]);
  fill();
  say_ready(argv[1]);
  for (;; usleep(20000)) {
    empty();
    look();
    fill();
    counters[0]++;
    if (waitpid(-1, NULL, WNOHANG) > 0) wrong("a child has ended", 0);
  }
}
