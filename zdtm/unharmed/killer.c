/*
 * Runs a command and ends it by SIGKILL at a chosen instant:
 *   killer call N VICTIM COMMAND...   at the entry of its N-th system call after it began to trace somebody
 *   killer after US VICTIM COMMAND... US microseconds after VICTIM has a tracer
 *   killer start US VICTIM COMMAND... US microseconds after it began
 *   killer signal:NUMBER:call N ...   as above, but with this signal, once; then it waits for the command's end
 * It prints "killed", or "ended WAITSTATUS CALLS" (signalled: "signalled WAITSTATUS"), and is gone when the command is; after a
 * SIGKILL also all that it started, which may have to put things right yet; but not the victim, if a restore brought it back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEIZE 0x4206

static pid_t child;
static int deadly = SIGKILL;
static const char *victim;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int finish(const char *word, long calls) {
  int status = 0;
  while (waitpid(child, &status, __WALL) == child && WIFSTOPPED(status)) {
    int sig = WSTOPSIG(status), event = status >> 16;
    ptrace(PTRACE_CONT, child, 0, event || sig == (SIGTRAP | 0x80) ? 0 : sig);
  }
  printf("%s %d %ld\n", word, status, calls);
  return 0;
}

/* Has a restore brought the victim back before it died? It lives on, as our child. */
static int is_back(void) {
  char path[64], text[1024];
  snprintf(path, sizeof(path), "/proc/%s/stat", victim);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  ssize_t got = read(fd, text, sizeof(text) - 1);
  close(fd);
  text[got > 0 ? got : 0] = 0;
  const char *at = strrchr(text, ')');
  return at && strlen(at) > 4 && at[2] != 'Z' && atoi(at + 4) == getpid();
}

static int strike(void) {
  /* what the command leaves behind comes to us */
  if (deadly == SIGKILL) prctl(PR_SET_CHILD_SUBREAPER, 1);
  kill(child, deadly);
  if (deadly != SIGKILL) return 0;
  int status;
  while (waitpid(child, &status, __WALL) == child && WIFSTOPPED(status)) continue;
  for (pid_t gone; (gone = waitpid(-1, NULL, __WALL | WNOHANG)) >= 0 || errno == EINTR;) {
    if (gone == 0 && is_back()) break;
    if (gone == 0) usleep(200);
  }
  printf("killed\n");
  return 1;
}

/* The traced system call: number and first argument. */
static void what(long *nr, unsigned long *first) {
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY) *nr = -1;
  else {
    *nr = (long)info.entry.nr;
    *first = info.entry.args[0];
  }
}

static int at_call(long n) {
  long calls = -1;
  int status, struck = 0;
  if (ptrace(SEIZE, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) return 2;
  kill(child, SIGCONT);
  for (;;) {
    if (waitpid(child, &status, __WALL) != child) return 2;
    if (!WIFSTOPPED(status)) {
      printf("%s %d %ld\n", struck ? "signalled" : "ended", status, calls);
      return 0;
    }
    int sig = WSTOPSIG(status);
    if (sig == (SIGTRAP | 0x80)) {
      long nr;
      unsigned long first = 0;
      what(&nr, &first);
      if (nr >= 0) {
        if (calls >= 0) calls++;
        else if (nr == SYS_ptrace && first == SEIZE) calls = 0;
        if (calls == n && !struck) {
          struck = 1;
          if (strike()) return 0;
        }
      }
      sig = 0;
    } else if (status >> 16 || sig == SIGCONT || sig == SIGSTOP) sig = 0;
    ptrace(struck ? PTRACE_CONT : PTRACE_SYSCALL, child, 0, sig);
  }
}

static int traced(const char *path) {
  char text[2048];
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 1;
  ssize_t got = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (got <= 0) return 1;
  text[got] = 0;
  const char *at = strstr(text, "TracerPid:");
  return at && atoi(at + 10) != 0;
}

static int by_time(double us, int once_traced) {
  char path[64];
  int status = 0;
  kill(child, SIGCONT);
  if (once_traced) {
    snprintf(path, sizeof(path), "/proc/%s/status", victim);
    while (!traced(path))
      if (waitpid(child, &status, WNOHANG | __WALL) == child) {
        printf("ended %d -1\n", status);
        return 0;
      }
  }
  double until = now() + us;
  while (now() < until)
    if (waitpid(child, &status, WNOHANG | __WALL) == child) {
      printf("ended %d -1\n", status);
      return 0;
    }
  if (strike()) return 0;
  return finish("signalled", -1);
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  const char *mode = argv[1];
  if (!strncmp(mode, "signal:", 7)) {
    deadly = atoi(mode + 7);
    mode = strchr(mode + 7, ':') + 1;
  }
  victim = argv[3];
  child = fork();
  if (child == 0) {
    raise(SIGSTOP);
    execv(argv[4], argv + 4);
    _exit(127);
  }
  int status;
  waitpid(child, &status, WUNTRACED);
  if (!strcmp(mode, "call")) return at_call(atol(argv[2]));
  return by_time(atof(argv[2]), !strcmp(mode, "after"));
}
