// zdtm: {"category": "tty", "verifies": "a pty that is full both ways gives every byte in its order, and writers that waited go on"}
#include "terminal.h"

#define BYTES 40000

static tst_step *step;

/* Writes more than fits, so it waits inside write(2). */
static int writer(void *where) {
  int fd = (int)(intptr_t)where;
  unsigned char bytes[BYTES];
  for (int i = 0; i < BYTES; i++) bytes[i] = (unsigned char)(i % 251 + fd);
  tst_raise(step);
  for (size_t done = 0; done < BYTES;) done += (size_t)tst_sys(write(fd, bytes + done, BYTES - done));
  tst_raise(step);
  tst_sleep();
}

static void check(int fd, int seed) {
  for (int i = 0; i < BYTES;) {
    unsigned char bytes[1024];
    size_t most = BYTES - i < 1024 ? (size_t)(BYTES - i) : 1024;
    ssize_t got = tst_sys(read(fd, bytes, most));
    for (ssize_t n = 0; n < got; n++, i++)
      tst_check(bytes[n] == (unsigned char)(i % 251 + seed), "byte %d is %d", i, bytes[n]);
  }
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int master = tty_master(O_RDWR), slave = tty_slave(master, O_RDWR);
  tty_raw(slave);
  pid_t pids[] = {tst_child(writer, (void *)(intptr_t)master), tst_child(writer, (void *)(intptr_t)slave)};
  tst_await(step, 2);
  for (int n = 0; n < 2; n++) tst_until(tst_state(pids[n]) == 'S', "a writer does not wait");
  tst_ready();
  char byte;
  TST_SPOIL tst_sys(read(slave, &byte, 1));
  check(slave, master);
  check(master, slave);
  tst_await(step, 4);
  return tst_pass();
}
