// zdtm: {"category": "files", "flavours": ["h"], "except": {"fd 3 info": "/proc numbers its files anew", "fd 3 file": "/proc numbers its files anew", "fd 4 info": "/proc numbers its files anew", "fd 4 file": "/proc numbers its files anew"}, "verifies": "descriptors of /proc files of the task itself still show that task"}
#include "tst.h"

int main(void) {
  tst_begin();
  int status = tst_sys(open("/proc/self/status", O_RDONLY)), dir = tst_sys(open("/proc/self", O_RDONLY | O_DIRECTORY)),
      net = tst_sys(open("/proc/self/ns/net", O_RDONLY));
  struct stat was, is;
  tst_sys(fstat(net, &was));
  tst_ready();
  char text[4096] = {0}, line[32];
  snprintf(line, sizeof(line), "\nPid:\t%d\n", getpid());
  TST_SPOIL dir = tst_sys(open("/proc/1", O_RDONLY));
  tst_sys(read(status, text, sizeof(text) - 1));
  tst_check(strstr(text, line), "the status file is of another task");
  int fd = tst_sys(openat(dir, "status", O_RDONLY));
  memset(text, 0, sizeof(text));
  tst_sys(read(fd, text, sizeof(text) - 1));
  tst_check(strstr(text, line), "the directory is of another task");
  tst_sys(fstat(net, &is));
  tst_check(is.st_ino == was.st_ino, "the network namespace is another");
  return tst_pass();
}
