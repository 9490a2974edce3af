// zdtm: {"category": "netns", "verifies": "network namespaces in each other's place: who holds a file of another's, enters that and finds there whom it knows by an abstract name", "needs": ["root"]}
#include "netns.h"

#include <stddef.h>
#include <sys/un.h>

enum { COUNT = 3 };
static tst_step *ready, *go, *done;
static int links[COUNT];

static socklen_t named(struct sockaddr_un *name, int number) {
  memset(name, 0, sizeof(*name));
  name->sun_family = AF_UNIX;
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)sprintf(name->sun_path + 1, "of %d", number));
}

static bool knows(int number) {
  struct sockaddr_un name;
  socklen_t length = named(&name, number);
  int fd = tst_sys(socket(AF_UNIX, SOCK_DGRAM, 0));
  bool found = !connect(fd, (struct sockaddr *)&name, length);
  close(fd);
  return found;
}

static int lives(void *argument) {
  int self = *(int *)argument;
  struct sockaddr_un name;
  if (self > 0) netns_leave();
  int fd = tst_sys(socket(AF_UNIX, SOCK_DGRAM, 0));
  socklen_t length = named(&name, self);
  tst_sys(bind(fd, (struct sockaddr *)&name, length));
  tst_raise(ready);
  tst_await(go, 1);
  for (int i = 0; i < COUNT; i++) tst_check(knows(i) == (i == self), "task %d has mistaken %d", self, i);
  tst_raise(done);
  tst_await(go, 2);
  return 0;
}

int main(void) {
  pid_t pids[COUNT];
  tst_begin();
  ready = tst_new_step(), go = tst_new_step(), done = tst_new_step();
  netns_leave();
  for (int i = 0; i < COUNT; i++) {
    char path[64];
    pids[i] = tst_child(lives, &i);
    tst_await(ready, (unsigned)i + 1);
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pids[i]);
    links[i] = tst_sys(open(path, O_RDONLY | O_CLOEXEC));
  }
  tst_ready();
  TST_SPOIL tst_sys(dup2(links[1], links[2]));
  tst_set(go, 1);
  tst_await(done, COUNT);
  for (int i = COUNT - 1; i >= 0; i--) {
    tst_sys(setns(links[i], CLONE_NEWNET));
    for (int j = 0; j < COUNT; j++) tst_check(knows(j) == (i == j), "the file of %d leads elsewhere: %d is known", i, j);
  }
  tst_set(go, 2);
  for (int i = 0; i < COUNT; i++) tst_check(tst_reap(pids[i]) == 0, "task %d is wrong", i);
  return tst_pass();
}
