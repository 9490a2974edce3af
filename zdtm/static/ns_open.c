// zdtm: {"category": "ns", "verifies": "open descriptors of the namespaces that a task lives in are those it lives in afterwards", "needs": ["root"]}
#include "tst.h"

static const char *const names[] = {"mnt", "pid", "uts", "net", "user"};
#define COUNT (sizeof(names) / sizeof(*names))

int main(void) {
  int fds[COUNT];
  char path[64];
  tst_begin();
  for (size_t i = 0; i < COUNT; i++) {
    snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
    fds[i] = tst_sys(open(path, O_RDONLY));
  }
  tst_ready();
  TST_SPOIL tst_sys(dup2(fds[0], fds[1]));
  for (size_t i = 0; i < COUNT; i++) {
    struct stat open_one, lived_in;
    snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
    tst_sys(fstat(fds[i], &open_one));
    tst_sys(stat(path, &lived_in));
    tst_check(open_one.st_ino == lived_in.st_ino, "the open %s namespace is another", names[i]);
  }
  return tst_pass();
}
