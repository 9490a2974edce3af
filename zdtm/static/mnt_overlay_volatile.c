// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "an overlay that is volatile is told of: what it leaves behind nobody can mount again", "needs": ["root"], "refused": "an overlay writes nothing to its disk in time \\(volatile\\).*/t/merged"}
#include "tst.h"

#include <sys/mount.h>

int main(void) {
  char here[PATH_MAX], options[4 * PATH_MAX];
  tst_begin();
  tst_sys(mkdir("t", 0755));
  tst_sys(mount("zdtm", "t", "tmpfs", 0, NULL));
  tst_sys(chdir("t"));
  static const char *const names[] = {"lower", "upper", "work", "merged"};
  for (size_t i = 0; i < 4; i++) tst_sys(mkdir(names[i], 0755));
  if (!getcwd(here, sizeof(here))) tst_die("nowhere");
  snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work,volatile", here, here, here);
  if (mount("zdtm", "merged", "overlay", 0, options)) tst_skip("no such overlay here");
  tst_ready();
  tst_check(!access("merged", R_OK), "it is gone");
  return tst_pass();
}
