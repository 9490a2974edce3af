/* Has keys: `keyring none|empty|logon|linked|shared|threads|filtered|spaces`. A signal makes it say which session keyring and keys it has. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREAD -1
#define SESSION -3
#define OF_USER -4

static long keyctl(int operation, long a, long b, long c) { return syscall(SYS_keyctl, operation, a, b, c, 0); }

static void add(const char *type, const char *name, long ring) {
  if (syscall(SYS_add_key, type, name, "text", 4, ring) < 0) perror("add_key");
}

static void *thread(void *argument) {
  add("user", "of-a-thread", THREAD);
  pthread_barrier_wait(argument);
  pause();
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  const char *kind = argv[1];
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  if (strcmp(kind, "none") != 0 && keyctl(1, (long)"_ses.tscriu", 0, 0) < 0) return perror("keyring"), 1;
  if (strcmp(kind, "empty") == 0) keyctl(5, keyctl(0, SESSION, 0, 0), 0x3f1b0000, 0);
  if (strcmp(kind, "logon") == 0) add("logon", "tscriu:secret", SESSION), add("user", "good", SESSION);
  if (strcmp(kind, "linked") == 0) keyctl(8, OF_USER, SESSION, 0), add("user", "good", SESSION);
  if (strcmp(kind, "shared") == 0) {
    add("user", "good", SESSION);
    if (fork() == 0) pause();
    if (fork() != 0) pause();
    setsid();
  }
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_t other;
  if (strcmp(kind, "spaces") == 0) {
    add("user", "good", SESSION);
    if (fork() == 0) {
      if (unshare(CLONE_NEWUSER) < 0) perror("unshare");
      printf("inside\n"), fflush(stdout);
      pause();
    }
  }
  if (strcmp(kind, "filtered") == 0) {
    struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    struct sock_fprog filter = {1, &allow};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) perror("seccomp");
  }
  if (strcmp(kind, "threads") == 0 || strcmp(kind, "filtered") == 0)
    pthread_create(&other, NULL, thread, &barrier), pthread_barrier_wait(&barrier);
  printf("pid %d\n", getpid());
  for (;;) {
    fflush(stdout);
    int signal = 0;
    sigwait(&signals, &signal);
    char text[256] = "none", *name = text;
    if (strcmp(kind, "none") != 0) keyctl(6, SESSION, (long)text, sizeof text), name = strrchr(text, ';') + 1;
    long good = syscall(SYS_request_key, "user", "good", NULL, 0), own = keyctl(0, OF_USER, 0, 0);
    int links[8], count = (int)keyctl(11, SESSION, (long)links, strcmp(kind, "none") == 0 ? 0 : sizeof links) / 4, linked = 0;
    for (int i = 0; i < count && i < 8; i++) linked |= links[i] == own;
    printf("session %s, good %d, linked %d\n", name, good > 0, linked);
  }
}
