// zdtm: {"category": "mounts", "flavours": ["ns"], "verifies": "an overlay whose layers were named from a working directory is told of: nobody knows that any more", "needs": ["root"], "refused": "an overlay names a layer from a working directory that nobody knows any more.*layer lower"}
#include "tst.h"

#include <sys/mount.h>

int main(void) {

  tst_begin();
  tst_sys(mkdir("t", 0755));
  tst_sys(mount("zdtm", "t", "tmpfs", 0, NULL));
  tst_sys(chdir("t"));
  static const char *const names[] = {"lower", "upper", "work", "merged"};
  for (size_t i = 0; i < 4; i++) tst_sys(mkdir(names[i], 0755));

  if (mount("zdtm", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work")) tst_skip("no such overlay here");
  tst_ready();
  tst_check(!access("merged", R_OK), "it is gone");
  return tst_pass();
}
