/*
 * Runs a command and ends it by SIGKILL at a chosen instant:
 *   killer call N VICTIM COMMAND...   at the entry of its N-th system call since VICTIM has a tracer
 *   killer born N VICTIM COMMAND...   the same since it made a process
 *   killer accept N VICTIM COMMAND... the same since it took a connection (accept4), that call included
 *   killer after US VICTIM COMMAND... US microseconds after VICTIM has a tracer
 *   killer start US VICTIM COMMAND... US microseconds after it began
 *   killer signal:NUMBER:call N ...   as above, but with this signal, once; then it waits for the command's end
 * VICTIM is "init" where a restore makes a pid namespace: whoever is 1 there and its own master is the victim.
 * It prints "killed", or "ended WAITSTATUS CALLS US" (signalled: "signalled ..."), -1 for what was not counted, and is gone when
 * the command is; after a SIGKILL also all that it started, which may have to put things right yet; but not the victim, if a
 * restore brought it back.
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

/* When it was first seen to be traced. */
static double since;

static void nap(long us) {
  struct timespec t = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&t, NULL);
}

static int say(const char *word, int status, long calls) {
  printf("%s %d %ld %ld\n", word, status, calls, since ? (long)(now() - since) : -1);
  return 0;
}

static int finish(const char *word) {
  int status = 0;
  while (waitpid(child, &status, __WALL) == child && WIFSTOPPED(status)) continue;
  return say(word, status, -1);
}

/* What /proc says of the victim; 0 when it is gone */
static int tells(const char *file, char text[2048]) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%s/%s", victim, file);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  ssize_t got = read(fd, text, 2047);
  close(fd);
  text[got > 0 ? got : 0] = 0;
  return 1;
}

/* One of our children that is the init of a pid namespace, and that nobody traces any more. */
static int init_is_back(void) {
  char path[64], list[4096] = "", text[2048];
  snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  ssize_t got = read(fd, list, sizeof(list) - 1);
  close(fd);
  list[got > 0 ? got : 0] = 0;
  for (char *pid = strtok(list, " "); pid; pid = strtok(NULL, " ")) {
    victim = pid;
    int there = tells("status", text);
    victim = "init";
    const char *state = there ? strstr(text, "State:\t") : NULL, *numbers = there ? strstr(text, "NSpid:\t") : NULL;
    if (!state || !numbers || state[7] == 'Z' || state[7] == 'X' || !strstr(text, "TracerPid:\t0\n")) continue;
    char *end = strchr(numbers, '\n');
    if (end && end - numbers > 8 && end[-1] == '1' && end[-2] == '\t') return 1;
  }
  return 0;
}

/* Has a restore brought the victim back before it died? It lives on, as our child; one that is not finished dies at once. */
static int is_back(void) {
  char text[2048];
  if (!strcmp(victim, "init")) return init_is_back();
  if (!tells("stat", text)) return 0;
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
  int back = 0;
  for (pid_t gone; (gone = waitpid(-1, NULL, __WALL | WNOHANG)) >= 0 || errno == EINTR;) {
    back = gone == 0 && is_back() ? back + 1 : 0;
    if (back == 100) break;
    if (gone == 0) nap(500);
  }
  printf("killed\n");
  return 1;
}

/* Is the stopped command about to make a call, and which? */
static long entered(void) {
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY) return -1;
  return (long)info.entry.nr;
}

static int traced(void) {
  char text[2048];
  if (!tells("status", text)) return 0;
  const char *at = strstr(text, "TracerPid:");
  return at && atoi(at + 10) != 0;
}

/* Lets go what the command has started. True for a process, false for a thread. */
static int let_go(void) {
  unsigned long made = 0;
  char path[64];
  ptrace(PTRACE_GETEVENTMSG, child, 0, &made);
  waitpid((pid_t)made, NULL, __WALL);
  ptrace(PTRACE_DETACH, (pid_t)made, 0, 0);
  snprintf(path, sizeof(path), "/proc/%d/task/%lu", child, made);
  return access(path, F_OK) != 0;
}

/* Calls are looked at since it made its first process: all else is the runtime's start. */
static int at_call(long n, char from) {
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
  long calls = -1, last = -1;
  int status, struck = 0, looks = 0;
  if (ptrace(SEIZE, child, 0, options | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK)) return 2;
  kill(child, SIGCONT);
  for (;;) {
    if (waitpid(child, &status, __WALL) != child) return 2;
    if (!WIFSTOPPED(status)) return say(struck ? "signalled" : "ended", status, calls);
    int sig = WSTOPSIG(status), event = status >> 16;
    if (sig == (SIGTRAP | 0x80)) {
      long nr = entered();
      if (nr >= 0) {
        if (calls >= 0) calls++;
        else if (from == 'a' ? nr == SYS_accept4 : from == 'b' || ((last == SYS_ptrace || last == SYS_futex) && traced())) {
          calls = 0;
          since = now();
        }
        if (calls == n && !struck) {
          struck = 1;
          if (strike()) return 0;
        }
        last = nr;
      }
      sig = 0;
    } else if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
      if (let_go()) {
        looks = 1;
        ptrace(PTRACE_SETOPTIONS, child, 0, options);
      }
      sig = 0;
    } else if (event || sig == SIGCONT || sig == SIGSTOP) sig = 0;
    ptrace(looks && !struck ? PTRACE_SYSCALL : PTRACE_CONT, child, 0, sig);
  }
}

static int by_time(double us, int once_traced) {
  int status = 0;
  kill(child, SIGCONT);
  if (once_traced)
    for (; !traced(); nap(400))
      if (waitpid(child, &status, WNOHANG | __WALL) == child) return say("ended", status, -1);
  since = now();
  for (double left; (left = since + us - now()) > 0; nap(left < 1000 ? (long)left : 1000))
    if (waitpid(child, &status, WNOHANG | __WALL) == child) return say("ended", status, -1);
  if (strike()) return 0;
  return finish("signalled");
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
  if (!strcmp(mode, "call") || !strcmp(mode, "born") || !strcmp(mode, "accept")) return at_call(atol(argv[2]), mode[0]);
  return by_time(atof(argv[2]), !strcmp(mode, "after"));
}
