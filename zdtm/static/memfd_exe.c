// zdtm: {"category": "memory", "verifies": "a program that runs from a memfd goes on, with its executable link, its code and the memfd"}
#include "tst.h"
#include <sys/sendfile.h>

int main(int argc, char **argv) {
  char *inside = getenv("MEMFD_EXE");
  if (!inside) {
    int self = tst_sys(open("/proc/self/exe", O_RDONLY)), copy = tst_sys(memfd_create("program", 0));
    struct stat stat;
    tst_sys(fstat(self, &stat));
    for (off_t at = 0; at < stat.st_size;) tst_sys(sendfile(copy, self, &at, (size_t)(stat.st_size - at)));
    close(self);
    char number[16];
    snprintf(number, sizeof(number), "%d", copy);
    setenv("MEMFD_EXE", number, 1);
    extern char **environ;
    fexecve(copy, argv, environ);
    tst_die("fexecve");
  }
  (void)argc;
  tst_begin();
  int fd = atoi(inside);
  char was[128] = {0}, is[128] = {0};
  tst_sys(readlink("/proc/self/exe", was, sizeof(was) - 1));
  tst_ready();
  TST_SPOIL fd = tst_sys(memfd_create("other", 0));
  tst_sys(readlink("/proc/self/exe", is, sizeof(is) - 1));
  tst_check(strcmp(was, is) == 0, "the executable is %s, was %s", is, was);
  struct stat open, running;
  tst_sys(fstat(fd, &open));
  tst_sys(stat("/proc/self/exe", &running));
  tst_check(open.st_ino == running.st_ino && open.st_dev == running.st_dev, "memfd and executable are two files");
  return tst_pass();
}
