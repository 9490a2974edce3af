/*
 * System V objects. Those of the host's ipc namespace outlive a case: each is noted, and the harness removes it, whatever
 * happens.
 */
#ifndef IPC_H
#define IPC_H
#include "tst.h"
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>

/* From here on the case has an ipc namespace of its own: what is made in it goes with it. */
static inline void ipc_alone(void) {
  if (unshare(CLONE_NEWIPC) < 0) tst_skip("no ipc namespace can be made: %s", strerror(errno));
}

static inline void ipc_note(const char *kind, const char *what) {
  int fd = tst_sys(open(".objects", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  char line[128];
  int length = snprintf(line, sizeof(line), "%s %s\n", kind, what);
  tst_check(write(fd, line, (size_t)length) == length, "cannot note an object");
  close(fd);
}

static inline int ipc_noted(const char *kind, int id) {
  char number[16];
  snprintf(number, sizeof(number), "%d", id);
  ipc_note(kind, number);
  return id;
}

/* A key that no other case has at the same time. */
static inline key_t ipc_key(int n) {
  return (key_t)(0x7c000000u | (unsigned)getpid() << 4 | (unsigned)n);
}

static inline int ipc_segment(key_t key, size_t bytes, int mode) {
  return ipc_noted("shm", tst_sys(shmget(key, bytes, IPC_CREAT | IPC_EXCL | mode)));
}

static inline uint8_t *ipc_attach(int id, const void *where, int flags) {
  return tst_sys(shmat(id, where, flags));
}

static inline struct shmid_ds ipc_stat(int id) {
  struct shmid_ds stat;
  tst_sys(shmctl(id, IPC_STAT, &stat));
  return stat;
}
#endif
