// zdtm: {"category": "files", "verifies": "descriptors of directories keep O_DIRECTORY where it was given, their place in the listing, and lead on"}
#include "tst.h"

#include <dirent.h>

int main(void) {
  tst_begin();
  tst_sys(mkdir("dir", 0755));
  for (int i = 0; i < 300; i++) {
    char name[64];
    snprintf(name, sizeof(name), "dir/a-file-with-a-longish-name-%d", i);
    close(tst_sys(open(name, O_CREAT | O_WRONLY, 0644)));
  }
  int with = tst_sys(open("dir", O_RDONLY | O_DIRECTORY)), without = tst_sys(open("dir", O_RDONLY | O_CLOEXEC));
  char bytes[4096];
  int seen = 0;
  ssize_t got = tst_sys(syscall(SYS_getdents64, with, bytes, 2000));
  for (ssize_t at = 0; at < got; at += ((struct dirent *)(bytes + at))->d_reclen) seen++;
  tst_check(seen > 5 && seen < 200, "%d entries in the first part", seen);
  int flags = fcntl(with, F_GETFL), other_flags = fcntl(without, F_GETFL);
  tst_check(flags & O_DIRECTORY && !(other_flags & O_DIRECTORY), "the flags are %x and %x", flags, other_flags);
  tst_ready();
  TST_SPOIL tst_sys(lseek(with, 0, SEEK_SET));
  tst_check(fcntl(with, F_GETFL) == flags && fcntl(without, F_GETFL) == other_flags, "the flags are %x and %x",
            fcntl(with, F_GETFL), fcntl(without, F_GETFL));
  while ((got = tst_sys(syscall(SYS_getdents64, with, bytes, sizeof(bytes)))) > 0)
    for (ssize_t at = 0; at < got; at += ((struct dirent *)(bytes + at))->d_reclen) seen++;
  tst_check(seen == 302, "%d entries altogether", seen);
  tst_check(faccessat(without, "a-file-with-a-longish-name-7", F_OK, 0) == 0, "the directory is another");
  return tst_pass();
}
