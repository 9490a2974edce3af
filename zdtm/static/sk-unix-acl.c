// zdtm: {"category": "sockets-unix", "verifies": "the file of a unix socket keeps the POSIX ACL that says who may connect, where it was renamed, too, and other extended attributes"}
#include "attributes.h"

#include <sys/socket.h>
#include <sys/un.h>

static int listening(const char *path) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  strcpy(name.sun_path, path);
  int fd = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  tst_sys(bind(fd, (struct sockaddr *)&name, sizeof(name)));
  tst_sys(listen(fd, 3));
  return fd;
}

/* As text: a socket's file cannot be opened. */
static void acl_of(const char *path, char text[256]) {
  unsigned char bytes[100];
  ssize_t length = getxattr(path, "system.posix_acl_access", bytes, sizeof(bytes));
  if (length < 0) snprintf(text, 256, "none (%s)", strerror(errno));
  for (ssize_t i = 0; i < length; i++) sprintf(text + 2 * i, "%02x", bytes[i]);
}

/* Who asks for a connection as a user that only the ACL lets in; 0, or why not. */
static int comes_in(const char *path, uid_t user) {
  pid_t pid = tst_sys(fork());
  if (pid == 0) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    strcpy(name.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (setuid(user)) _exit(1);
    _exit(connect(fd, (struct sockaddr *)&name, sizeof(name)) ? errno : 0);
  }
  int status;
  tst_sys(waitpid(pid, &status, 0));
  return WEXITSTATUS(status);
}

int main(void) {
  tst_begin();
  static const char *const paths[] = {"server", "renamed"};
  char before[2][256], now[256];
  listening("server");
  listening("first");
  tst_sys(rename("first", "renamed"));
  for (int i = 0; i < 2; i++) {
    tst_sys(chmod(paths[i], 0600));
    int fd = tst_sys(open(paths[i], O_PATH));
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    struct {
      uint32_t version;
      struct {
        uint16_t tag, perm;
        uint32_t id;
      } entries[5];
    } list = {2, {{1, 6, -1}, {2, 6, 1234}, {4, 0, -1}, {0x10, 6, -1}, {0x20, 0, -1}}};
    if (setxattr(link, "system.posix_acl_access", &list, sizeof(list), 0)) tst_skip("the file system has no POSIX ACLs");
    close(fd);
    acl_of(paths[i], before[i]);
  }
  bool isRoot = !setxattr("server", "trusted.zdtm", "for root", 8, 0);
  tst_ready();
  TST_SPOIL tst_sys(removexattr("server", "system.posix_acl_access"));
  for (int i = 0; i < 2; i++) {
    acl_of(paths[i], now);
    tst_check(!strcmp(now, before[i]), "%s: the ACL is %s, was %s", paths[i], now, before[i]);
  }
  tst_check(!isRoot || getxattr("server", "trusted.zdtm", now, sizeof(now)) == 8, "an attribute is gone");
  tst_check(comes_in("server", 1234) == 0, "who may connect does not come in: %s", strerror(comes_in("server", 1234)));
  tst_check(comes_in("server", 1235) == EACCES, "who may not connect hears %s", strerror(comes_in("server", 1235)));
  return tst_pass();
}
