// zdtm: {"category": "mounts", "flavours": ["h"], "verifies": "the root is read-only in the tree's mount namespace, where what is mounted below takes files", "needs": ["net"], "spoils": true}
#include "outside.h"

int main(void) {
  char here[PATH_MAX];
  tst_begin();
  outside_leave("", "tmpfs /mnt");
  /* what the harness wants to know is written here */
  tst_check(getcwd(here, sizeof(here)) && !mount(here, here, NULL, MS_BIND, NULL) && !chdir(here), "cannot stay in %s", here);
  mounts_run("ro /");
  tst_ready();
  TST_SPOIL mounts_run("ro /mnt");
  mounts_run("refuses /; refuses /usr; takes /mnt; file here text; is here text");
  return tst_pass();
}
