// zdtm: {"category": "files", "verifies": "files, terminals, devices, FIFOs and files of /proc that were opened with O_NOFOLLOW or without keep it"}
#include "terminal.h"

#ifndef MORE
#define MORE , {"/dev/ptmx", O_RDWR}
#endif

int main(void) {
  tst_begin();
  int master = tty_master(O_RDWR);
  char slave[64];
  tty_slave(master, O_RDWR);
  tst_check(ptsname_r(master, slave, sizeof(slave)) == 0, "the slave has no name");
  close(tst_sys(open("file", O_CREAT | O_WRONLY, 0644)));
  close(tst_sys(open("gone", O_CREAT | O_WRONLY, 0644)));
  tst_sys(mkfifo("fifo", 0600));
  const struct {
    const char *path;
    int flags;
  } files[] = {{"file", O_RDWR},           {"file", O_RDONLY | O_NOFOLLOW},   {"gone", O_RDWR},
               {".", O_RDONLY | O_DIRECTORY}, {"/dev/null", O_RDWR},           {"/dev/null", O_RDWR | O_NOFOLLOW}, {"fifo", O_RDWR},
               {slave, O_RDWR | O_NOCTTY}, {slave, O_RDWR | O_NOCTTY | O_NOFOLLOW}, {"/proc/self/status", O_RDONLY}, {"/proc/self/status", O_RDONLY | O_NOFOLLOW},
               {"/proc/stat", O_RDONLY}, {"fifo", O_RDWR | O_NOFOLLOW} MORE};
  enum { COUNT = sizeof(files) / sizeof(files[0]) };
  int fds[COUNT], flags[COUNT];
  for (int i = 0; i < COUNT; i++) {
    fds[i] = tst_sys(open(files[i].path, files[i].flags));
    flags[i] = tst_sys(fcntl(fds[i], F_GETFL));
  }
  tst_sys(unlink("gone"));
  tst_ready();
  TST_SPOIL tst_sys(fcntl(fds[0], F_SETFL, O_APPEND));
  for (int i = 0; i < COUNT; i++) {
    int now = tst_sys(fcntl(fds[i], F_GETFL));
    tst_check(now == flags[i], "%d, %s: flags %o, had %o", i, files[i].path, now, flags[i]);
  }
  return tst_pass();
}
