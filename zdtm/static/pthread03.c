// zdtm: {"category": "threads", "opts": ["--file-locks"], "verifies": "a process whose first thread has ended keeps its name, how that thread ended, locks, owners of files, filters, timers, signals that wait, and a child of another thread"}
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include "tst.h"

static pid_t middle;
static int ends[2], file;
static tst_step *step;

/* of /proc/PID/stat: the last field */
static int exit_code(pid_t pid) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  char *text = tst_slurp(path, NULL);
  int code = atoi(strrchr(text, ' ') + 1);
  free(text);
  return code;
}

static void *other(void *unused) {
  (void)unused;
  prctl(PR_SET_NAME, "other");
  struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {1, code};
  tst_sys(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  tst_sys(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
  tst_raise(step);
  for (;;) pause();
}

static int grandchild(void *unused) {
  (void)unused;
  char byte;
  tst_sys(read(ends[0], &byte, 1));
  return byte;
}

static void *last(void *unused) {
  (void)unused;
  prctl(PR_SET_NAME, "last");
  tst_until(tst_state(getpid()) == 'Z', "the first thread does not end");
  middle = tst_child(grandchild, NULL);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5};
  tst_sys(fcntl(file, F_SETLK, &lock));
  tst_sys(fcntl(file, F_SETOWN, getpid()));
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
  struct itimerspec late = {{0, 0}, {100000, 0}}, left;
  timer_t timer;
  tst_sys(timer_create(CLOCK_MONOTONIC, &event, &timer));
  tst_sys(timer_settime(timer, 0, &late, NULL));
  tst_sys(kill(getpid(), SIGUSR1));
  tst_raise(step);
  tst_await(step, 3);
  char name[64], byte = 7;
  snprintf(name, sizeof(name), "/proc/%d/comm", getpid());
  char *text = tst_slurp(name, NULL);
  tst_until(tst_state(getpid()) == 'Z', "the first thread has not ended");
  tst_check(!strcmp(text, "first\n"), "the process is called %s", text);
  tst_check(exit_code(getpid()) == 5 << 8, "the first thread ended with 0x%x", exit_code(getpid()));
  tst_check(tst_status(getpid(), "Threads", 10) == 3, "there are %ld threads", tst_status(getpid(), "Threads", 10));
  tst_check(fcntl(file, F_GETOWN) == getpid(), "the file's owner is %d", fcntl(file, F_GETOWN));
  tst_sys(timer_gettime(timer, &left));
  tst_check(left.it_value.tv_sec > 90000, "%ld s are left", (long)left.it_value.tv_sec);
  sigset_t waits;
  sigpending(&waits);
  tst_check(sigismember(&waits, SIGUSR1), "the signal that waited is gone");
  tst_check(write(ends[1], &byte, 1) == 1 && tst_reap(middle) == 7 << 8, "the child is lost");
  _exit(23);
}

static int process(void *unused) {
  pthread_t id;
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigprocmask(SIG_BLOCK, &usr1, NULL);
  prctl(PR_SET_NAME, "first");
  tst_pthread(pthread_create(&id, NULL, other, unused));
  tst_await(step, 1);
  tst_pthread(pthread_create(&id, NULL, last, unused));
  syscall(SYS_exit, 5);
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  file = tst_sys(open("locked", O_RDWR | O_CREAT, 0644));
  tst_sys(pipe(ends));
  pid_t pid = tst_child(process, NULL);
  tst_await(step, 2);
  tst_ready();
  TST_SPOIL tst_sys(kill(pid, SIGKILL));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5};
  tst_sys(fcntl(file, F_GETLK, &lock));
  tst_check(tst_spoiling() || (lock.l_type == F_WRLCK && lock.l_pid == pid), "the lock is %d's", lock.l_pid);
  tst_check(tst_spoiling() || waitpid(pid, NULL, WNOHANG) == 0, "the process counts as ended");
  tst_raise(step);
  int status = tst_reap(pid);
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 23, "the process ends with 0x%x", status);
  return tst_pass();
}
