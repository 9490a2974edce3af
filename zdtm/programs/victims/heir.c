/*
 * What a process has of its maker. `heir` says it of itself, its thread and its child, whenever a signal comes; `heir COMMAND...`
 * takes on another of each and becomes the command; `heir -n COMMAND...` may gain no privileges and has a filter, for good.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SET_MEMORY_MERGE 67
#define GET_MEMORY_MERGE 68
#define INTERLEAVE 3
#define SESSION -3

static int become(char **command) {
  unsigned long node = 1;
  syscall(SYS_keyctl, 1, "heir", 0, 0, 0);
  prctl(PR_SET_TIMERSLACK, 1234567);
  syscall(SYS_ioprio_set, 1, 0, 3 << 13 | 7);
  syscall(SYS_set_mempolicy, INTERLEAVE, &node, 64);
  prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  prctl(SET_MEMORY_MERGE, 1, 0, 0, 0);
  int filter = open("/proc/self/coredump_filter", O_WRONLY);
  if (write(filter, "0x7f", 4) != 4) perror("coredump_filter");
  umask(077);
  signal(SIGUSR2, SIG_IGN);
  execvp(command[0], command);
  return perror(command[0]), 1;
}

static int confine(char **command) {
  struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  struct sock_fprog filter = {1, &allow};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) perror("seccomp");
  execvp(command[0], command);
  return perror(command[0]), 1;
}

static void say(const char *who) {
  int mode = 0;
  syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0);
  char filter[16] = {0}, text[1024];
  int file = open("/proc/self/coredump_filter", O_RDONLY);
  if (read(file, filter, 8) != 8) perror("coredump_filter");
  close(file);
  int slack = prctl(PR_GET_TIMERSLACK), inherited;
  prctl(PR_SET_TIMERSLACK, 0), inherited = prctl(PR_GET_TIMERSLACK), prctl(PR_SET_TIMERSLACK, slack);
  mode_t mask = umask(0);
  umask(mask);
  int length = snprintf(
      text, sizeof text, "%s: slack %d of %d, io %ld, policy %d, early %d, huge %d, merge %d, core %s, mask %o, user's %d\n", who,
      slack, inherited, syscall(SYS_ioprio_get, 1, 0), mode, prctl(PR_MCE_KILL_GET, 0, 0, 0, 0),
      prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), prctl(GET_MEMORY_MERGE, 0, 0, 0, 0), filter, mask,
      syscall(SYS_request_key, "keyring", "heir", NULL, 0) < 0);
  if (write(1, text, length) != length) exit(3);
}

static void *answer(void *who) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  for (int signal; sigwait(&signals, &signal) == 0;) say(who);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "-n") == 0) return confine(argv + 2);
  if (argc > 1) return become(argv + 1);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  pid_t child = fork();
  if (child == 0) return setresgid(1, 1, 1), setresuid(1, 1, 1), answer("child"), 0;
  pthread_t thread;
  pthread_create(&thread, NULL, answer, "thread");
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  for (int signal, round = 1;; sigwait(&signals, &signal)) {
    say("leader");
    pthread_kill(thread, SIGUSR1);
    kill(child, SIGUSR1);
    printf("round %d of %d\n", round++, getpid()), fflush(stdout);
  }
}
