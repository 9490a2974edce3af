// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "a file system that was mounted to write at once (sync, dirsync) still does", "needs": ["root"], "spoils": true}
#include "tst.h"

#include <sys/mount.h>

static bool is_listed(void) {
  char line[PATH_MAX];
  FILE *from = fopen("/proc/self/mountinfo", "r");
  bool found = false;
  while (fgets(line, sizeof(line), from)) found |= strstr(line, " tmpfs zdtm rw,sync,dirsync") != NULL;
  fclose(from);
  return found;
}

int main(void) {
  tst_begin();
  tst_sys(mkdir("t", 0755));
  tst_sys(mount("zdtm", "t", "tmpfs", MS_SYNCHRONOUS | MS_DIRSYNC, "size=1m"));
  if (!is_listed()) tst_skip("it is not told");
  tst_ready();
  TST_SPOIL tst_sys(umount2("t", 0));
  tst_check(is_listed(), "it writes when it likes");
  return tst_pass();
}
