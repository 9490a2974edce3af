/* Sockets bound to addresses that no interface has. */
#ifndef FREEBIND_H
#define FREEBIND_H
#include "inet.h"

static const char *const freebind_addresses[] = {"203.0.113.9", "2001:db8::9"}; /* for documentation: nobody has them */
static const int freebind_families[] = {AF_INET, AF_INET6};

static inline int freebind_option(int fd, int family) {
  return inet_option(fd, family == AF_INET ? SOL_IP : SOL_IPV6, family == AF_INET ? IP_FREEBIND : IPV6_FREEBIND);
}

static inline int freebind_case(bool stays) {
  tst_begin();
  int fds[2][2];
  inet_name names[2][2];
  for (int i = 0; i < 2; i++) {
    int family = freebind_families[i], level = family == AF_INET ? SOL_IP : SOL_IPV6;
    for (int j = 0; j < 2; j++) {
      inet_name *name = &names[i][j];
      socklen_t length = sizeof(*name);
      memset(name, 0, sizeof(*name));
      name->any.sa_family = (sa_family_t)family;
      void *address = family == AF_INET ? (void *)&name->four.sin_addr : (void *)&name->six.sin6_addr;
      tst_check(inet_pton(family, freebind_addresses[i], address) == 1, "no address");
      fds[i][j] = tst_sys(socket(family, j ? SOCK_STREAM : SOCK_DGRAM, 0));
      inet_set(fds[i][j], level, family == AF_INET ? IP_FREEBIND : IPV6_FREEBIND, 1);
      tst_sys(bind(fds[i][j], &name->any, inet_length(family)));
      tst_sys(getsockname(fds[i][j], &name->any, &length));
      if (!stays) inet_set(fds[i][j], level, family == AF_INET ? IP_FREEBIND : IPV6_FREEBIND, 0);
    }
  }
  tst_ready();
  TST_SPOIL inet_set(fds[0][1], SOL_IP, IP_FREEBIND, !stays);
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 2; j++) {
      inet_name is = {0};
      socklen_t length = sizeof(is);
      tst_sys(getsockname(fds[i][j], &is.any, &length));
      tst_check(!memcmp(&is, &names[i][j], length), "family %d, socket %d is bound elsewhere", freebind_families[i], j);
      tst_check(freebind_option(fds[i][j], freebind_families[i]) == stays, "family %d, socket %d: the option is %d",
                freebind_families[i], j, !stays);
    }
  }
  return tst_pass();
}

#endif
