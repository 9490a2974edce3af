/* Descriptors that travel in messages of unix sockets (unix(7), SCM_RIGHTS). */
#ifndef SCM_H
#define SCM_H
#include "tst.h"

#include <sys/socket.h>
#include <sys/un.h>

#define SCM_MOST 8

/* One message of `text`; each group of descriptors is a control message of its own. To `name`, or to the peer. */
static inline void scm_send_to(int socket, const struct sockaddr_un *name, socklen_t length, const char *text, const int *fds,
                               int groups, int each) {
  char control[SCM_MOST * CMSG_SPACE(SCM_MOST * sizeof(int))] = {0};
  struct iovec data = {.iov_base = (void *)text, .iov_len = strlen(text)};
  struct msghdr message = {.msg_name = (void *)name,
                           .msg_namelen = length,
                           .msg_iov = &data,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = (size_t)groups * CMSG_SPACE((size_t)each * sizeof(int))};
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);
  for (int i = 0; i < groups; i++, part = CMSG_NXTHDR(&message, part)) {
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN((size_t)each * sizeof(int));
    memcpy(CMSG_DATA(part), fds + i * each, (size_t)each * sizeof(int));
  }
  tst_check(tst_sys(sendmsg(socket, &message, 0)) == (ssize_t)strlen(text), "the message went in part");
}

static inline void scm_send(int socket, const char *text, const int *fds, int count) {
  scm_send_to(socket, NULL, 0, text, fds, 1, count);
}

/* Takes a message: its text has to be this. How many descriptors came; they are put into `fds`. */
static inline int scm_take(int socket, const char *text, int *fds) {
  char control[CMSG_SPACE(SCM_MOST * sizeof(int))], bytes[64];
  struct iovec data = {.iov_base = bytes, .iov_len = sizeof(bytes)};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT);
  if (got < 0) tst_die("no message \"%s\"", text);
  tst_check(got == (ssize_t)strlen(text) && !memcmp(bytes, text, (size_t)got), "the message is \"%.*s\", not \"%s\"",
            (int)got, bytes, text);
  int count = 0;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    int here = (int)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds + count, CMSG_DATA(part), (size_t)here * sizeof(int));
    count += here;
  }
  return count;
}

/* What is written into one end comes out of the other. */
static inline void scm_flows(int from, int to) {
  char text[8] = {0};
  tst_check(write(from, "flow", 4) == 4, "cannot write into %d", from);
  tst_check(read(to, text, 8) == 4 && !memcmp(text, "flow", 4), "what went into %d does not come out of %d", from, to);
}

/* All of a case: both ends of a pipe wait together, in so many control messages of so many descriptors each. */
static inline int scm_both_wait(int type, int groups, int each) {
  tst_begin();
  int pair[2], ends[2], got[SCM_MOST];
  tst_sys(socketpair(AF_UNIX, type, 0, pair));
  tst_sys(pipe(ends));
  scm_send_to(pair[0], NULL, 0, "both", ends, groups, each);
  close(ends[0]);
  close(ends[1]);
  tst_ready();
  TST_SPOIL tst_sys(shutdown(pair[1], SHUT_RD)), scm_take(pair[1], "both", got);
  tst_check(scm_take(pair[1], "both", got) == 2, "a descriptor is lost");
  scm_flows(got[1], got[0]);
  return tst_pass();
}

#endif
