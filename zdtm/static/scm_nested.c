// zdtm: {"category": "sockets-unix", "verifies": "queues inside queues inside queues: a socket in flight holds a socket in flight that holds a file"}
#include "scm.h"

#define DEEP 6

int main(void) {
  tst_begin();
  int pairs[DEEP][2], got[SCM_MOST];
  int file = tst_sys(open("file", O_RDWR | O_CREAT, 0600));
  tst_sys(write(file, "far down", 8));
  for (int i = 0; i < DEEP; i++) {
    tst_sys(socketpair(AF_UNIX, i % 2 ? SOCK_DGRAM : SOCK_STREAM, 0, pairs[i]));
    scm_send(pairs[i][0], "deeper", i ? &pairs[i - 1][1] : &file, 1);
    if (i) close(pairs[i - 1][1]);
    if (i % 3) close(pairs[i][0]);
  }
  close(file);
  tst_ready();
  char text[16] = {0};
  int from = pairs[DEEP - 1][1];
  for (int i = DEEP - 1; i >= 0; i--) {
    TST_SPOIL if (i == 1) scm_take(from, "deeper", got);
    tst_check(scm_take(from, "deeper", got) == 1, "nothing in queue %d", i);
    close(from);
    from = got[0];
  }
  tst_check(lseek(from, 0, SEEK_CUR) == 8 && pread(from, text, 15, 0) == 8 && !strcmp(text, "far down"), "the file is another");
  return tst_pass();
}
