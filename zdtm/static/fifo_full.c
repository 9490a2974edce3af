// zdtm: {"category": "fifo", "verifies": "a full named pipe of unusual size keeps its size and every byte, and its blocked writer goes on"}
#include "tst.h"

enum { ROOM = 131072 };

static int writer(void *fd) {
  tst_check(write(*(int *)fd, "tail", 4) == 4, "the writer fails: %s", strerror(errno));
  return 3;
}

int main(void) {
  tst_begin();
  tst_sys(mkfifo("pipe", 0600));
  int fd = tst_sys(open("pipe", O_RDWR));
  tst_sys(fcntl(fd, F_SETPIPE_SZ, ROOM));
  uint8_t *bytes = malloc(ROOM);
  tst_fill(bytes, ROOM, 5);
  tst_sys(write(fd, bytes, ROOM));
  pid_t pid = tst_child(writer, &fd);
  tst_until(tst_state(pid) == 'S', "the writer does not sleep");
  tst_ready();
  tst_check(fcntl(fd, F_GETPIPE_SZ) == ROOM, "the pipe has room for %d", fcntl(fd, F_GETPIPE_SZ));
  memset(bytes, 0, ROOM);
  TST_SPOIL tst_sys(read(fd, bytes, 1));
  for (int have = 0; have < ROOM;) have += (int)tst_sys(read(fd, bytes + have, (size_t)(ROOM - have)));
  tst_check(tst_differs(bytes, ROOM, 5) < 0, "byte %ld is wrong", tst_differs(bytes, ROOM, 5));
  char text[8] = {0};
  tst_check(read(fd, text, 8) == 4 && !strcmp(text, "tail"), "the tail is %s", text);
  tst_check(WEXITSTATUS(tst_reap(pid)) == 3, "the writer ended otherwise");
  return tst_pass();
}
