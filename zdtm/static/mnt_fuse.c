// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "a FUSE file system whose program is in the tree is refused, and nobody waits for that program, which stands still", "needs": ["root", "file:/dev/fuse"], "refused": "a task of the tree is the program of a FUSE file system", "except": {"memory": "the program answers what the harness asks"}}
#include "fuse.h"

static int fd;

static int serve(void *unused) {
  (void)unused;
  fuse_serve(fd);
  return 0;
}

int main(void) {
  tst_begin();
  fd = fuse_mount("/mnt");
  tst_child(serve, NULL);
  close(fd);
  mounts_run("read /mnt/f");
  tst_ready();
  TST_SPOIL tst_fail("spoiled");
  mounts_run("is /mnt/f text; held 0 text");
  return tst_pass();
}
