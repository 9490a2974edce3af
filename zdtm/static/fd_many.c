// zdtm: {"category": "files", "verifies": "11,500 descriptors in a task are at their numbers, each with its own position"}
#include "tst.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

enum { FILES = 10000, PIPES = 500, COUNTERS = 1000, FIRST = 100 };

/* Numbers with gaps. */
#define GAP(i) (1 + (i) % 2)

static void move(int *fd, int to) {
  if (*fd != to) {
    tst_sys(dup3(*fd, to, O_CLOEXEC));
    close(*fd);
  }
  *fd = to;
}

int main(void) {
  tst_begin();
  struct rlimit limit;
  tst_sys(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = limit.rlim_max;
  tst_sys(setrlimit(RLIMIT_NOFILE, &limit));
  if (limit.rlim_cur < FIRST + FILES * 3 / 2 + PIPES + COUNTERS + 10) tst_skip("so many descriptors are not allowed here");
  int file = tst_sys(open("numbers", O_RDWR | O_CREAT, 0644));
  for (int i = 0; i < FILES; i++) tst_sys(write(file, &i, sizeof(i)));
  int at = FIRST, read_ends[PIPES], counters[COUNTERS];
  for (int i = 0; i < FILES; i++) {
    int fd = tst_sys(open("numbers", O_RDONLY));
    tst_sys(lseek(fd, i * (off_t)sizeof(int), SEEK_SET));
    move(&fd, at += GAP(i));
  }
  for (int i = 0; i < PIPES; i++) {
    int ends[2];
    tst_sys(pipe(ends));
    tst_sys(write(ends[1], &i, sizeof(i)));
    close(ends[1]);
    read_ends[i] = ends[0];
  }
  for (int i = 0; i < COUNTERS; i++) counters[i] = tst_sys(eventfd((unsigned)i + 1, EFD_NONBLOCK));
  tst_ready();
  TST_SPOIL tst_sys(lseek(FIRST + 2, 0, SEEK_SET));
  at = FIRST;
  for (int i = 0; i < FILES; i++) {
    int value = -1;
    at += GAP(i);
    tst_check(read(at, &value, sizeof(value)) == sizeof(value) && value == i, "descriptor %d reads %d, not %d", at, value, i);
    tst_check(fcntl(at, F_GETFD) == FD_CLOEXEC, "descriptor %d is not closed on exec", at);
  }
  for (int i = 0; i < PIPES; i++) {
    int value = -1;
    tst_check(read(read_ends[i], &value, sizeof(value)) == sizeof(value) && value == i, "pipe %d has %d", i, value);
  }
  for (int i = 0; i < COUNTERS; i++) {
    eventfd_t value = 0;
    tst_check(eventfd_read(counters[i], &value) == 0 && value == (eventfd_t)i + 1, "counter %d has %lu", i, value);
  }
  return tst_pass();
}
