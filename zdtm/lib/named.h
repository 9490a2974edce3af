/* Unix sockets with names: paths, and abstract names (unix(7)), which are told apart by the machine's pid. */
#ifndef NAMED_H
#define NAMED_H
#include "tst.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef struct {
  struct sockaddr_un address;
  socklen_t length;
} named_name;

static inline named_name named_path(const char *path) {
  named_name name = {.address.sun_family = AF_UNIX};
  name.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                            (unsigned)snprintf(name.address.sun_path, sizeof(name.address.sun_path), "%s", path));
  return name;
}

static inline named_name named_abstract(const char *what) {
  named_name name = {.address.sun_family = AF_UNIX};
  name.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                            (unsigned)snprintf(name.address.sun_path + 1, sizeof(name.address.sun_path) - 1, "zdtm %s %d",
                                               what, getpid()));
  return name;
}

static inline int named_bound(int type, const named_name *name) {
  int fd = tst_sys(socket(AF_UNIX, type, 0));
  tst_sys(bind(fd, (const struct sockaddr *)&name->address, name->length));
  return fd;
}

/* A new client; -1 and errno when it is not let in. */
static inline int named_client(int type, const named_name *name) {
  int fd = tst_sys(socket(AF_UNIX, type, 0));
  if (connect(fd, (const struct sockaddr *)&name->address, name->length) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

/* A listener still lets a client in, and the two can talk. */
static inline void named_serves(int listener, int type, const named_name *name) {
  char text[8] = {0};
  int client = named_client(type, name);
  if (client < 0) tst_die("the listener %d lets nobody in", listener);
  int server = tst_sys(accept(listener, NULL, NULL));
  tst_sys(send(client, "knock", 5, 0));
  tst_check(recv(server, text, 8, 0) == 5 && !memcmp(text, "knock", 5), "the client is not heard");
  close(client);
  close(server);
}

#endif
