// zdtm: {"category": "mounts", "flavours": ["ns", "uns"], "verifies": "mounts at places whose names have blanks, quotes, backslashes, line ends and other bytes", "needs": ["root"]}
#include "mounts.h"

static const char *const names[] = {"blank blank", "tab\ttab", "line\nline", "back\\040slash", "quote'\"", "hash#", "\xc3\xa4\xe2\x82\xac"};
#define COUNT (sizeof(names) / sizeof(*names))

int main(void) {
  char path[64];
  tst_begin();
  for (size_t i = 0; i < COUNT; i++) {
    tst_sys(mkdir(names[i], 0755));
    tst_sys(mount(names[i], names[i], "tmpfs", 0, NULL));
    snprintf(path, sizeof(path), "%s/f", names[i]);
    close(mounts_write(path, names[i], 0));
  }
  tst_ready();
  TST_SPOIL tst_sys(umount2(names[2], 0));
  for (size_t i = 0; i < COUNT; i++) {
    snprintf(path, sizeof(path), "%s/f", names[i]);
    tst_check(mounts_is(path, names[i]), "the mount at %s", names[i]);
  }
  return tst_pass();
}
