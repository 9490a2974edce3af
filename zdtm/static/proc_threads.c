// zdtm: {"category": "files", "except": {"info": "/proc numbers its files anew", "file": "/proc numbers its files anew"}, "verifies": "files of /proc that belong to threads, or to descriptors of a task, lead to the same threads and descriptors"}
#include "tst.h"

enum { STAT, COMM, DIRECTORY, OWN, INFO, LINK, CHILD, COUNT };

static _Atomic pid_t tid;

static void *rest(void *arg) {
  tid = syscall(SYS_gettid);
  for (;;) pause();
  return arg;
}

static void link_of(int fd, char into[256]) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  into[tst_sys(readlink(path, into, 255))] = 0;
}

/* The first number in what a file says behind a word. */
static int number(int fd, const char *word) {
  char text[1024] = "";
  tst_check(pread(fd, text, sizeof(text) - 1, 0) > 0, "a file says nothing: %s", strerror(errno));
  char *at = strstr(text, word);
  tst_check(at, "%s is not in %s", word, text);
  return atoi(at + strlen(word));
}

int main(void) {
  tst_begin();
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  tst_pthread(pthread_create(&thread, NULL, rest, NULL));
  sigprocmask(SIG_SETMASK, &before, NULL);
  tst_until(tid != 0, "the thread does not come");
  int ends[2], fds[COUNT];
  tst_sys(pipe2(ends, O_NONBLOCK));
  pid_t pid = tst_sys(fork());
  if (pid == 0)
    for (;;) pause();
  char path[COUNT][64], links[COUNT][256], now[256];
  snprintf(path[STAT], 64, "/proc/self/task/%d/stat", tid);
  snprintf(path[COMM], 64, "/proc/self/task/%d/comm", tid);
  snprintf(path[DIRECTORY], 64, "/proc/self/task/%d", tid);
  snprintf(path[OWN], 64, "/proc/%d/status", tid);
  snprintf(path[INFO], 64, "/proc/self/fdinfo/%d", ends[0]);
  snprintf(path[LINK], 64, "/proc/self/fd/%d", ends[1]);
  snprintf(path[CHILD], 64, "/proc/%d/fdinfo/%d", pid, ends[1]);
  for (int i = 0; i < COUNT; i++) {
    int flags = i == COMM ? O_RDWR : i == LINK ? O_PATH | O_NOFOLLOW : O_RDONLY;
    fds[i] = tst_sys(open(path[i], flags | (i == STAT ? O_CLOEXEC : 0)));
    link_of(fds[i], links[i]);
  }
  char bytes[4];
  tst_check(read(fds[STAT], bytes, 3) == 3, "read");
  tst_ready();
  TST_SPOIL tst_check(dup2(fds[COMM], fds[STAT]) == fds[STAT], "dup2");
  for (int i = 0; i < COUNT; i++) {
    link_of(fds[i], now);
    tst_check(!strcmp(now, links[i]), "descriptor %d leads to %s, led to %s", fds[i], now, links[i]);
  }
  tst_check(lseek(fds[STAT], 0, SEEK_CUR) == 3 && fcntl(fds[STAT], F_GETFD) == FD_CLOEXEC, "it is at %ld", (long)lseek(fds[STAT], 0, SEEK_CUR));
  tst_check(number(fds[STAT], "") == tid, "another thread: %d", number(fds[STAT], ""));
  tst_check(number(fds[OWN], "\nPid:") == tid, "another thread: %d", number(fds[OWN], "\nPid:"));
  tst_check(write(fds[COMM], "named", 5) == 5, "the thread gets no name: %s", strerror(errno));
  int comm = tst_sys(openat(fds[DIRECTORY], "comm", O_RDONLY));
  tst_check(number(comm, "named") == 0, "another thread has the name");
  tst_check(number(fds[INFO], "flags:") == 4000, "the flags are %d", number(fds[INFO], "flags:"));
  tst_check(number(fds[CHILD], "flags:") == 4001, "the flags are %d", number(fds[CHILD], "flags:"));
  ssize_t length = readlinkat(fds[LINK], "", now, sizeof(now) - 1);
  tst_check(length > 0 && !strncmp(now, "pipe:", 5), "the link leads to %.*s", (int)length, now);
  return tst_pass();
}
