/* User namespaces inside of the one that a case lives in: who lives there, and what they are called from outside. */
#ifndef USERNS_H
#define USERNS_H
#include "pidns.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum { USERNS_OWNER = 0xb701, USERNS_PARENT = 0xb702 };

static inline void userns_write(pid_t pid, const char *file, const char *text) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
  int fd = tst_sys(open(path, O_WRONLY));
  if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) tst_die("%s of a user namespace", file);
  close(fd);
}

/* Whoever asks by `asks`, which they raise once they have left, gets these maps. */
static inline void userns_map(pid_t pid, const char *users, const char *groups) {
  userns_write(pid, "uid_map", users);
  userns_write(pid, "gid_map", groups);
}

/* Leaves for a new user namespace, together with namespaces of these kinds that belong to it, and becomes its root. */
static inline void userns_leave(int kinds, tst_step *left, tst_step *mapped, int turn) {
  if (unshare(CLONE_NEWUSER | kinds)) tst_die("no user namespace");
  tst_raise(left);
  tst_await(mapped, turn);
  tst_sys(setresgid(0, 0, 0));
  tst_sys(setresuid(0, 0, 0));
  tst_sys(prctl(PR_SET_DUMPABLE, 1));
}

static inline ino_t userns_inode(const char *path, unsigned long related) {
  struct stat st;
  int fd = tst_sys(open(path, O_RDONLY)), other = fd;
  if (related) other = tst_sys(ioctl(fd, related));
  tst_sys(fstat(other, &st));
  if (other != fd) close(other);
  close(fd);
  return st.st_ino;
}

typedef struct {
  uid_t uid[4];
  gid_t gid[4], groups[32];
  int count, securebits;
  unsigned capabilities[6];
  unsigned long long bounding;
  char users[256], sets[256], deny[16];
} userns_self;

static inline void userns_text(const char *path, char *into, size_t size) {
  size_t length;
  char *text = tst_slurp(path, &length);
  snprintf(into, size, "%s", text);
  free(text);
}

/* Who I am, and what is called what here. */
static inline userns_self userns_who(void) {
  userns_self self;
  memset(&self, 0, sizeof(self));
  tst_sys(getresuid(&self.uid[0], &self.uid[1], &self.uid[2]));
  tst_sys(getresgid(&self.gid[0], &self.gid[1], &self.gid[2]));
  self.uid[3] = (uid_t)setfsuid(-1);
  self.gid[3] = (gid_t)setfsgid(-1);
  self.count = tst_sys(getgroups(32, self.groups));
  self.securebits = tst_sys(prctl(PR_GET_SECUREBITS));
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  tst_sys(syscall(SYS_capget, &head, self.capabilities));
  for (int i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++)
    if (prctl(PR_CAPBSET_READ, i) == 1) self.bounding |= 1ull << i;
  userns_text("/proc/self/uid_map", self.users, sizeof(self.users));
  userns_text("/proc/self/gid_map", self.sets, sizeof(self.sets));
  userns_text("/proc/self/setgroups", self.deny, sizeof(self.deny));
  return self;
}

static inline void userns_same(const userns_self *was, const char *who) {
  userns_self is = userns_who();
  tst_check(!memcmp(was->uid, is.uid, sizeof(is.uid)), "%s: user %u, was %u", who, is.uid[1], was->uid[1]);
  tst_check(!memcmp(was->gid, is.gid, sizeof(is.gid)), "%s: group %u, was %u", who, is.gid[1], was->gid[1]);
  tst_check(was->count == is.count && !memcmp(was->groups, is.groups, sizeof(is.groups)), "%s: %d groups, were %d, or others", who,
            is.count, was->count);
  tst_check(!memcmp(was->capabilities, is.capabilities, sizeof(is.capabilities)), "%s: other capabilities", who);
  tst_check(was->bounding == is.bounding && was->securebits == is.securebits, "%s: other bounds", who);
  tst_check(!strcmp(was->users, is.users) && !strcmp(was->sets, is.sets), "%s: maps %s, were %s", who, is.users, was->users);
  tst_check(!strcmp(was->deny, is.deny), "%s: setgroups %s, was %s", who, is.deny, was->deny);
}

/* What a task is in all of its namespaces when it raises `ready` it is once it may `go`, too. */
static inline void userns_stays(tst_step *ready, tst_step *go, const char *who) {
  struct pidns_self was = pidns_self();
  userns_self whom = userns_who();
  tst_raise(ready);
  tst_await(go, 1);
  pidns_same(&was, who);
  userns_same(&whom, who);
}

#endif
