/*
 * The keeper: parent and reaper of everything that one case starts. It is a subreaper, so orphans of the case and
 * restored trees become its children, and when the harness closes its end (or dies) it kills all of them and goes.
 *
 * From the harness on descriptor 0: a 32-bit length, then that many bytes of zero-terminated words:
 *   session ("1", "0", "n" or "u"), directory, output file, number of environment words, these words, argv...
 * With "n" it is a session in pid, mount, UTS, IPC and network namespaces of its own, below an init (this program again, "init" and the same
 * words) that hands SIGTERM on, waits for everybody and ends as the program does. With "u" in a user namespace of its own as well, to
 * which all of these belong: its users 0 to 65535 are our 100000 to 165535, its groups our 200000 to 265535.
 * To the harness on descriptor 1, lines: "pid N", "dead N WAITSTATUS", "error TEXT".
 *
 * Called with the word "mounts" it has mounts of its own, without those that other tests and their containers make for a moment: a
 * tree with copies of them could not come back. With "net" it has a network namespace of its own besides, with nothing but a loopback
 * that is up: files that lead to network namespaces go with it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define MOST_WORDS 4096
static char message[1 << 20];
static char *words[MOST_WORDS + 3];
static char *self;

static void reap(int tell) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
    if (tell) dprintf(1, "dead %d %d\n", pid, status);
}

static void kill_children(void) {
  char path[64], list[65536];
  snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ssize_t got = read(fd, list, sizeof(list) - 1);
  close(fd);
  if (got <= 0) return;
  list[got] = 0;
  for (char *at = list, *end; *at; at = end) {
    long pid = strtol(at, &end, 10);
    if (end == at) break;
    if (pid > 0) kill((pid_t)pid, SIGKILL);
  }
}

/* Orphans climb up to the keeper, so killing the direct children again and again ends them all. */
static void end_all(void) {
  for (int turn = 0; turn < 20000; turn++) {
    reap(0);
    if (waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD) return;
    kill_children();
    usleep(500);
  }
  dprintf(1, "error some children do not die\n");
}

static void become(int session, const char *directory, const char *output, char **argv) {
  sigset_t none;
  sigemptyset(&none);
  for (int n = 1; n < 65; n++) signal(n, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (session && setsid() < 0) _exit(126);
  if (chdir(directory)) _exit(126);
  int in = open("/dev/null", O_RDONLY), out = open(output, O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (in < 0 || out < 0) _exit(126);
  dup2(in, 0);
  dup2(out, 1);
  dup2(out, 2);
  close_range(3, ~0U, 0);
  umask(022);
  execvp(argv[0], argv);
  dprintf(2, "cannot run %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

static int raise_loopback(void) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo)) return -1;
  return close(fd);
}

static void nothing(int signal) { (void)signal; }
static volatile sig_atomic_t asked;
static void ask(int signal) { asked = signal; }

/* The init of a case in namespaces of its own: it does nothing by itself. */
static int init(int count, char **word) {
  int variables = atoi(word[3]), code = 0;
  if (count < 5 + variables) return 126;
  sigset_t some, none;
  sigemptyset(&none);
  sigemptyset(&some);
  sigaddset(&some, SIGTERM);
  sigaddset(&some, SIGCHLD);
  sigprocmask(SIG_SETMASK, &some, NULL);
  signal(SIGTERM, ask);
  signal(SIGCHLD, nothing);
  if (setsid() < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("proc", "/proc", "proc", 0, NULL) ||
      raise_loopback())
    return 126;
  pid_t pid = fork();
  if (pid == 0) {
    unsetenv("GLIBC_TUNABLES");
    for (int i = 0; i < variables; i++) putenv(word[4 + i]);
    become(1, word[1], word[2], word + 4 + variables);
  }
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  close_range(3, ~0U, 0);
  while (pid > 0) {
    int status;
    for (pid_t dead; (dead = waitpid(-1, &status, WNOHANG | __WALL)) > 0;) {
      if (dead != pid) continue;
      code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      pid = 0;
    }
    if (pid <= 0) break;
    if (asked) kill(pid, SIGTERM);
    asked = 0;
    sigsuspend(&none);
  }
  return code;
}

static int put(pid_t pid, const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  int put = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  close(fd);
  return put;
}

/* Tells a process what its ids are, and lets it go. */
static int map_ids(pid_t pid, int gate) {
  return put(pid, "uid_map", "0 100000 65536") && put(pid, "gid_map", "0 200000 65536") && write(gate, "", 1) == 1;
}

static void start(int count) {
  int variables = atoi(words[3]);
  if (count < 5 + variables) {
    dprintf(1, "error short message\n");
    return;
  }
  int user = words[0][0] == 'u', apart = user || words[0][0] == 'n', gate[2];
  unsigned long kinds = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
  if (user) kinds |= CLONE_NEWUSER;
  if (pipe2(gate, O_CLOEXEC)) {
    dprintf(1, "error pipe: %s\n", strerror(errno));
    return;
  }
  pid_t pid = apart ? syscall(SYS_clone, kinds | SIGCHLD, 0, 0, 0, 0) : fork();
  if (pid == 0 && user) {
    close(gate[1]);
    if (read(gate[0], &user, 1) != 1 || setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0)) _exit(126);
  }
  if (pid == 0 && apart) {
    memmove(words + 2, words, (count + 1) * sizeof(words[0]));
    words[0] = self;
    words[1] = "init";
    close_range(3, ~0U, 0);
    setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
    execv(self, words);
    _exit(126);
  }
  if (pid == 0) {
    for (int i = 0; i < variables; i++) putenv(words[4 + i]);
    become(words[0][0] == '1', words[1], words[2], words + 4 + variables);
  }
  int mapped = pid <= 0 || !user || map_ids(pid, gate[1]);
  close(gate[0]);
  close(gate[1]);
  if (pid < 0) dprintf(1, "error fork: %s\n", strerror(errno));
  else if (!mapped) dprintf(1, "error no user namespace: %s\n", strerror(errno));
  else dprintf(1, "pid %d\n", pid);
}

static int fill(void *at, size_t bytes) {
  for (size_t have = 0; have < bytes;) {
    ssize_t got = read(0, (char *)at + have, bytes - have);
    if (got <= 0) return 0;
    have += (size_t)got;
  }
  return 1;
}

static int take(void) {
  unsigned length;
  int count = 0;
  if (!fill(&length, sizeof(length)) || length > sizeof(message) || !fill(message, length)) return 0;
  for (char *at = message; at < message + length && count < MOST_WORDS; at += strlen(at) + 1) words[count++] = at;
  words[count] = NULL;
  if (count < 5) dprintf(1, "error short message\n");
  else start(count);
  return 1;
}

/* Made below where tests and container runtimes mount, but not to hold us or the directories of cases. */
static int is_passing(const char *place) {
  static const char *const below[] = {"/run/", "/tmp/", "/var/"};
  const char *kept[] = {self, getenv("TMPDIR")};
  size_t length = strlen(place);
  int passing = 0;
  for (int i = 0; i < 3; i++) passing |= !strncmp(place, below[i], strlen(below[i]));
  for (int i = 0; i < 2; i++)
    if (kept[i] && !strncmp(kept[i], place, length) && strchr("/", kept[i][length])) return 0;
  return passing;
}

static int leave_mounts(void) {
  if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) return -1;
  FILE *all = fopen("/proc/self/mountinfo", "re");
  if (!all || !fread(message, 1, sizeof(message) - 1, all)) return -1;
  fclose(all);
  char place[4096];
  for (char *line = strtok(message, "\n"); line; line = strtok(NULL, "\n"))
    if (sscanf(line, "%*s %*s %*s %*s %4095s", place) == 1 && is_passing(place)) umount2(place, MNT_DETACH);
  return 0;
}

static int leave_network(void) { return unshare(CLONE_NEWNET) || raise_loopback(); }

int main(int count, char **arguments) {
  self = arguments[0];
  if (count > 1 && !strcmp(arguments[1], "init")) return init(count - 2, arguments + 2);
  int net = count > 1 && !strcmp(arguments[1], "net");
  if (net || (count > 1 && !strcmp(arguments[1], "mounts"))) {
    if (leave_mounts() || (net && leave_network())) {
      dprintf(1, "error no namespaces of its own: %s\n", strerror(errno));
      return 1;
    }
  }
  sigset_t chld;
  sigemptyset(&chld);
  sigaddset(&chld, SIGCHLD);
  signal(SIGPIPE, SIG_IGN);
  /* the harness goes first: its end closes our descriptor 0 */
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  sigprocmask(SIG_BLOCK, &chld, NULL);
  int events = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
  if (events < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1)) return 1;
  for (;;) {
    struct pollfd wait[2] = {{.fd = 0, .events = POLLIN}, {.fd = events, .events = POLLIN}};
    if (poll(wait, 2, -1) < 0 && errno != EINTR) break;
    struct signalfd_siginfo info;
    while (read(events, &info, sizeof(info)) > 0) continue;
    reap(1);
    if (wait[0].revents && !take()) break;
  }
  end_all();
  return 0;
}
