// zdtm: {"category": "mounts", "flavours": ["uns"], "needs": ["root"], "verifies": "binary formats that a user namespace has registered for itself are registered again, those that are switched off too"}
#include "tst.h"

#include <sys/mount.h>

static void put(const char *path, const char *text) {
  int fd = tst_sys(open(path, O_WRONLY | O_CLOEXEC));
  tst_sys(write(fd, text, strlen(text)));
  close(fd);
}

static void look(const char *path, char text[512]) {
  int fd = tst_sys(open(path, O_RDONLY | O_CLOEXEC));
  text[tst_sys(read(fd, text, 511))] = 0;
  close(fd);
}

int main(void) {
  char one[2][512], other[2][512];
  tst_begin();
  tst_sys(mkdir("formats", 0755));
  if (mount("formats", "formats", "binfmt_misc", 0, NULL)) tst_skip("this kernel has no binary formats of a user namespace");
  put("formats/register", ":tscriu-magic:M:2:TSC\\x00RIU:\\xff\\xff\\xff\\x0f\\xff\\xff\\xff:/bin/true:O");
  put("formats/register", ":tscriu-name:E::tscriu::/bin/false:");
  put("formats/tscriu-name", "0");
  look("formats/tscriu-magic", one[0]);
  look("formats/tscriu-name", other[0]);
  tst_check(!strncmp(other[0], "disabled", 8), "it is not switched off");
  tst_ready();
  TST_SPOIL put("formats/tscriu-name", "1");
  look("formats/tscriu-magic", one[1]);
  look("formats/tscriu-name", other[1]);
  tst_check(!strcmp(one[0], one[1]), "one was %s, and is %s", one[0], one[1]);
  tst_check(!strcmp(other[0], other[1]), "the other one was %s, and is %s", other[0], other[1]);
  return tst_pass();
}
