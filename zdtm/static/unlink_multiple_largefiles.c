// zdtm: {"category": "files", "opts": ["--ghost-limit", "1G"], "verifies": "ten deleted files near 1 GiB with different layouts come back each as it was"}
#include "holes.h"

enum { FILES = 10 };

int main(void) {
  tst_begin();
  int fds[FILES];
  holes_data data[FILES][2];
  blkcnt_t blocks[FILES];
  off_t size = 1000 << 20;
  for (int i = 0; i < FILES; i++) {
    char name[16];
    snprintf(name, sizeof(name), "file%d", i);
    data[i][0] = (holes_data){i * 65536L, 4096};
    data[i][1] = (holes_data){size / 2 + i * 1000000L, 10000};
    fds[i] = holes_make(name, data[i], 2, size);
    tst_sys(unlink(name));
    blocks[i] = holes_blocks(fds[i]);
  }
  tst_ready();
  TST_SPOIL tst_sys(ftruncate(fds[4], size - 1));
  for (int i = 0; i < FILES; i++) holes_check(fds[i], data[i], 2, size, blocks[i]);
  return tst_pass();
}
