/* Keyrings, without libkeyutils. */
#ifndef KEYS_H
#define KEYS_H

#include <sys/syscall.h>

#define KEY_THREAD -1
#define KEY_PROCESS -2
#define KEY_SESSION -3

static inline long keyctl(int operation, long a, long b, long c) { return syscall(SYS_keyctl, operation, a, b, c, 0); }

static inline long add_key(const char *type, const char *name, const char *text, long ring) {
  return tst_sys(syscall(SYS_add_key, type, name, text, text ? strlen(text) : 0, ring));
}

/* A new session keyring of this name. */
static inline long new_session(const char *name) {
  long ring = keyctl(1, (long)name, 0, 0);
  if (ring == -1 && (errno == ENOSYS || errno == EPERM)) tst_skip("no keys here");
  return tst_sys(ring);
}

/* Type, user, group, permissions and description. */
static inline const char *described(long key) {
  static char text[512];
  tst_sys(keyctl(6, key, (long)text, sizeof text));
  return text;
}

static inline void is_described(long key, const char *text) {
  tst_check(strcmp(described(key), text) == 0, "it is %s, not %s", described(key), text);
}

static inline long found(const char *type, const char *name) {
  return syscall(SYS_request_key, type, name, NULL, 0);
}

static inline void holds(const char *name, const char *text) {
  char bytes[4096];
  long key = found("user", name);
  tst_check(key > 0, "the key %s is gone: %s", name, strerror(errno));
  long length = tst_sys(keyctl(11, key, (long)bytes, sizeof bytes));
  tst_check(length == (long)strlen(text) && memcmp(bytes, text, length) == 0, "the key %s holds %.*s", name, (int)length, bytes);
}

#endif
