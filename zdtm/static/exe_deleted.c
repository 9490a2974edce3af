// zdtm: {"category": "memory", "opts": ["--link-remap"], "verifies": "a task whose executable was deleted still runs it, and its exe link says so"}
#include "tst.h"

static char *path_of_exe(void) {
  static char path[PATH_MAX];
  ssize_t length = tst_sys(readlink("/proc/self/exe", path, sizeof(path) - 1));
  path[length] = 0;
  return path;
}

int main(int argc, char **argv) {
  tst_begin();
  if (argc == 1) {
    size_t size;
    char *program = tst_slurp("/proc/self/exe", &size);
    int fd = tst_sys(open("copy", O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
    tst_sys(write(fd, program, size));
    close(fd);
    char *again[] = {"copy", "again", NULL};
    tst_sys(execv("./copy", again));
  }
  struct stat before, after;
  tst_sys(unlink("copy"));
  tst_sys(stat("/proc/self/exe", &before));
  char was[PATH_MAX];
  snprintf(was, sizeof(was), "%s", path_of_exe());
  tst_check(strstr(was, "/copy (deleted)"), "the link is %s", was);
  tst_ready();
  TST_SPOIL was[0] = '!';
  tst_check(!strcmp(path_of_exe(), was), "the link is %s, was %s", path_of_exe(), was);
  tst_sys(stat("/proc/self/exe", &after));
  tst_check(after.st_size == before.st_size && after.st_nlink == 0, "the executable has %ld bytes and %ld names",
            (long)after.st_size, (long)after.st_nlink);
  tst_check(!strcmp(argv[1], "again"), "the arguments are wrong");
  return tst_pass();
}
