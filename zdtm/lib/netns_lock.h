/* A connection within a network namespace that outlives the tree, which enters it again (--join-ns). */
#ifndef NETNS_LOCK_H
#define NETNS_LOCK_H
#include "mounts.h"
#include "netns.h"
#include "tcp_states.h"

/* Its other end sends on from there while nobody is here; tcp_ticks does not mind where it is called. */
static inline int netns_lock_case(void) {
  mounts_run("tmpfs /media; file /media/net x");
  netns_leave();
  if (mount("/proc/self/ns/net", "/media/net", NULL, MS_BIND, NULL)) tst_die("the namespace cannot be given a name");
  return tcp_ticks(TCP_FOUR);
}
#endif
