/* A classic filter on sockets: what is read back has the same instructions, and it still decides. */
#ifndef SOCKFILTER_H
#define SOCKFILTER_H
#include "inet.h"

#include <linux/filter.h>

#define SO_GET_FILTER_ 26
#define MOST_INSTRUCTIONS 64

static inline void filter_put(int fd, const struct sock_filter *code, size_t count) {
  struct sock_fprog program = {.len = (unsigned short)count, .filter = (struct sock_filter *)code};
  tst_sys(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

static inline void filter_check(int fd, const struct sock_filter *code, size_t count) {
  struct sock_filter is[MOST_INSTRUCTIONS] = {{0}};
  socklen_t length = MOST_INSTRUCTIONS; /* the kernel counts instructions here */
  tst_sys(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER_, is, &length));
  tst_check(length == count, "the filter has %u instructions, not %zu", length, count);
  tst_check(!memcmp(is, code, count * sizeof(*code)), "the filter has other instructions");
}

#endif
