// zdtm: {"category": "memory", "verifies": "a memfd that a child has opened again read-only keeps its own flags and position and shares the data"}
#include "tst.h"

static int fd;
static tst_step *step;

static int child(void *unused) {
  (void)unused;
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  int own = tst_sys(open(path, O_RDONLY));
  close(fd);
  tst_sys(lseek(own, 3, SEEK_SET));
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check((fcntl(own, F_GETFL) & O_ACCMODE) == O_RDONLY, "the child's description can write");
  tst_check(lseek(own, 0, SEEK_CUR) == 3, "the child's position is %ld", (long)lseek(own, 0, SEEK_CUR));
  char seen[8] = {0};
  tst_sys(read(own, seen, 4));
  tst_check(!strcmp(seen, "late"), "the child reads \"%s\", not the parent's last write", seen);
  tst_check(write(own, "x", 1) == -1 && errno == EBADF, "the child can write");
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  fd = tst_sys(memfd_create("shared", 0));
  tst_sys(write(fd, "0123456789", 10));
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  tst_check(lseek(fd, 0, SEEK_CUR) == 10, "the parent's position is %ld", (long)lseek(fd, 0, SEEK_CUR));
  TST_SPOIL fd = tst_sys(memfd_create("another", 0));
  tst_sys(pwrite(fd, "late", 4, 3));
  tst_set(step, 2);
  tst_until(step->value == 3 || tst_state(pid) == 'Z', "the child does not answer");
  tst_check(step->value == 3, "the child has failed");
  tst_end(pid);
  return tst_pass();
}
