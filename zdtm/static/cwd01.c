// zdtm: {"category": "files", "verifies": "a current directory that was removed is a removed directory still"}
#include "tst.h"

int main(void) {
  tst_begin();
  char was[PATH_MAX] = {0}, is[PATH_MAX] = {0};
  tst_sys(mkdir("gone", 0755));
  tst_sys(chdir("gone"));
  tst_sys(rmdir("../gone"));
  tst_sys(readlink("/proc/self/cwd", was, sizeof(was) - 1));
  tst_ready();
  TST_SPOIL tst_sys(chdir("/"));
  tst_sys(readlink("/proc/self/cwd", is, sizeof(is) - 1));
  tst_check(strstr(is, "/gone (deleted)") && !strcmp(was, is), "the directory is %s, was %s", is, was);
  tst_check(open("new", O_CREAT | O_WRONLY, 0600) == -1 && errno == ENOENT, "it takes files");
  return tst_pass();
}
