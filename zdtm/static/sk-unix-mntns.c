// zdtm: {"category": "mntns", "flavours": ["ns", "uns"], "verifies": "sockets at the same path in two mount namespaces: whoever connects reaches the one of its own", "needs": ["root"]}
#include "mounts.h"

#include <sys/socket.h>
#include <sys/un.h>

static const struct sockaddr_un place = {.sun_family = AF_UNIX, .sun_path = "a/socket"};
static tst_step *step;

static int listen_at(void) {
  int fd = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  tst_sys(bind(fd, (const struct sockaddr *)&place, sizeof(place)));
  tst_sys(listen(fd, 5));
  return fd;
}

static void reach(int listener, const char *word) {
  char have[16] = "";
  int fd = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
  tst_sys(connect(fd, (const struct sockaddr *)&place, sizeof(place)));
  tst_sys(send(fd, word, strlen(word), MSG_NOSIGNAL));
  int got = tst_sys(accept(listener, NULL, NULL));
  tst_sys(recv(got, have, sizeof(have) - 1, 0));
  tst_check(!strcmp(have, word), "%s came to somebody else", word);
}

static int child(void *unused) {
  (void)unused;
  tst_sys(unshare(CLONE_NEWNS));
  tst_sys(mount("zdtm", "a", "tmpfs", 0, NULL));
  int fd = listen_at();
  tst_sys(fcntl(fd, F_SETFL, O_NONBLOCK));
  tst_set(step, 1);
  tst_await(step, 2);
  TST_SPOIL tst_sys(unlink("a/socket"));
  reach(fd, "inner");
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_sys(mkdir("a", 0755));
  int fd = listen_at();
  tst_sys(fcntl(fd, F_SETFL, O_NONBLOCK));
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  reach(fd, "outer");
  tst_set(step, 2);
  tst_until(step->value == 3 || tst_state(pid) == 'Z', "the child does not answer");
  tst_check(step->value == 3, "the child failed, see the output");
  return tst_pass();
}
