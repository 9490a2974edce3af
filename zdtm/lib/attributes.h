/* Extended attributes and flags (chattr) that a case gives a file, as far as it may, and how it looks for them afterwards. */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H
#include "tst.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

/* What a file had that looked well: one after the other, name and value. */
typedef struct {
  char text[8192];
} attributes;

/* Extended attributes with their values, and flags, as text. */
static inline attributes attributes_of(int fd) {
  attributes all = {""};
  char names[1024], value[2048];
  ssize_t length = tst_sys(flistxattr(fd, names, sizeof(names)));
  size_t at = 0;
  for (char *name = names; name < names + length; name += strlen(name) + 1) {
    ssize_t size = tst_sys(fgetxattr(fd, name, value, sizeof(value)));
    at += snprintf(all.text + at, sizeof(all.text) - at, "%s=", name);
    for (ssize_t i = 0; i < size; i++) at += snprintf(all.text + at, sizeof(all.text) - at, "%02x", (unsigned char)value[i]);
    at += snprintf(all.text + at, sizeof(all.text) - at, " ");
  }
  int flags = 0;
  if (!ioctl(fd, FS_IOC_GETFLAGS, &flags)) snprintf(all.text + at, sizeof(all.text) - at, "flags %x", flags);
  return all;
}

static inline void attributes_check(int fd, const attributes *before, const char *what) {
  attributes now = attributes_of(fd);
  tst_check(!strcmp(now.text, before->text), "%s has %s, had %s", what, now.text, before->text);
}

/* Only root of the machine may do some of this: whether it could. */
static inline bool attribute(int fd, const char *name, const char *value) {
  return !fsetxattr(fd, name, value, strlen(value), 0);
}

static inline bool flag(int fd, int flags) {
  int all = 0;
  if (ioctl(fd, FS_IOC_GETFLAGS, &all)) return false;
  all |= flags;
  return !ioctl(fd, FS_IOC_SETFLAGS, &all);
}

/* A POSIX ACL (linux/posix_acl_xattr.h): another user and another group than the owner's may read. */
static inline bool acl(int fd, const char *name) {
  struct {
    uint16_t tag, perm;
    uint32_t id;
  } entries[] = {{1, 6, -1}, {2, 4, 1234}, {4, 4, -1}, {8, 4, 2345}, {0x10, 4, -1}, {0x20, 0, -1}};
  char bytes[4 + sizeof(entries)];
  memcpy(bytes, &(uint32_t){2}, 4);
  memcpy(bytes + 4, entries, sizeof(entries));
  return !fsetxattr(fd, name, bytes, sizeof(bytes), 0);
}
#endif
