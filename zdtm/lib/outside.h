/* Mounts that stay outside of the tree: they are made in the harness's mount namespace, in which tscriu is, too; the case leaves it. */
#ifndef OUTSIDE_H
#define OUTSIDE_H
#include "mounts.h"

/* Makes mounts, and then a mount namespace of the case's own in which it goes on. */
static inline void outside_leave(const char *outside, const char *inside) {
  mounts_run(outside);
  tst_sys(unshare(CLONE_NEWNS));
  mounts_run(inside);
}

/* Somebody who stays outside, and does something there once the file `word` is made. */
static inline void outside_later(const char *word, const char *script) {
  pid_t parent = tst_sys(fork());
  if (parent) {
    tst_reap(parent);
    return;
  }
  if (tst_sys(fork())) _exit(0);
  tst_sys(setsid());
  while (access(word, F_OK)) usleep(2000);
  mounts_run(script);
  _exit(0);
}
#endif
