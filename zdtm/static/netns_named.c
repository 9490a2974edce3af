// zdtm: {"category": "netns", "flavours": ["ns"], "verifies": "a network namespace that a file leads to (ip netns) is told of, with what helps", "needs": ["root"], "refused": "a namespace is mounted over a file.*/t/blue"}
#include "tst.h"

#include <sys/mount.h>

int main(void) {
  tst_begin();
  tst_sys(mkdir("t", 0755));
  close(tst_sys(open("t/blue", O_CREAT | O_WRONLY, 0600)));
  tst_sys(mount("/proc/self/ns/net", "t/blue", NULL, MS_BIND, NULL));
  struct stat is, was;
  tst_sys(stat("t/blue", &was));
  tst_ready();
  tst_check(!stat("t/blue", &is) && is.st_ino == was.st_ino, "it leads elsewhere");
  return tst_pass();
}
