// zdtm: {"category": "memory", "verifies": "an executable memfd with a read-only reopening, a shared and a private mapping is one file and still runs"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  int fd = tst_sys(memfd_create("program", 0));
  static const char script[] = "#!/bin/sh\nexit 41\n";
  tst_sys(write(fd, script, sizeof(script) - 1));
  tst_sys(fchmod(fd, 0700));
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  int again = tst_sys(open(path, O_RDONLY));
  uint8_t *shared = tst_sys(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  uint8_t *own = tst_sys(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, again, 0));
  own[15] = '9';
  munmap(shared, page);
  shared = tst_sys(mmap(NULL, page, PROT_READ, MAP_SHARED, again, 0));
  close(fd);
  tst_ready();
  TST_SPOIL own[15] = '1';
  struct stat it;
  tst_sys(fstat(again, &it));
  tst_check(it.st_size == sizeof(script) - 1, "size is %ld", (long)it.st_size);
  tst_check((fcntl(again, F_GETFL) & O_ACCMODE) == O_RDONLY, "the reopened description can write");
  tst_check(!memcmp(shared, script, sizeof(script) - 1), "the shared mapping is wrong");
  tst_check(own[15] == '9' && own[16] == script[16], "the private mapping is wrong");
  pid_t pid = tst_sys(fork());
  if (pid == 0) {
    char *argv[] = {"program", NULL}, *envp[] = {NULL};
    fexecve(again, argv, envp);
    _exit(1);
  }
  int status = tst_reap(pid);
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 41, "the program ends with 0x%x", status);
  return tst_pass();
}
