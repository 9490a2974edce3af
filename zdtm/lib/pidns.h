/* Cases with pid namespaces of their own. */
#ifndef PIDNS_H
#define PIDNS_H
#include "tst.h"

/* Clones a child with more flags than fork has. */
static inline pid_t pidns_child(unsigned long flags, int (*run)(void *), void *argument) {
  pid_t pid = tst_sys((pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0));
  if (pid == 0) _exit(run(argument));
  return pid;
}

/* The inode of /proc/PID/ns/NAME, or 0 where there is none. */
static inline ino_t pidns_of(pid_t pid, const char *name) {
  struct stat st;
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
  return stat(path, &st) == 0 ? st.st_ino : 0;
}

static inline void pidns_enter(pid_t pid) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
  int fd = tst_sys(open(path, O_RDONLY | O_CLOEXEC));
  tst_sys(setns(fd, CLONE_NEWPID));
  close(fd);
}

/* What a task knows of itself. */
struct pidns_self {
  pid_t pid, ppid, pgid, sid;
};

static inline struct pidns_self pidns_self(void) {
  return (struct pidns_self){getpid(), getppid(), getpgid(0), getsid(0)};
}

static inline void pidns_same(const struct pidns_self *was, const char *who) {
  struct pidns_self is = pidns_self();
  tst_check(!memcmp(was, &is, sizeof(is)), "%s: pid %d, parent %d, group %d, session %d; was %d %d %d %d", who, is.pid,
            is.ppid, is.pgid, is.sid, was->pid, was->ppid, was->pgid, was->sid);
}

#endif
