// zdtm: {"category": "mounts", "notIn": {"uns": "only root of the first user namespace mounts one"}, "verifies": "an autofs whose daemon has said that it is asked no more is there again with its names, though nobody of that daemon's group is in the tree", "needs": ["net"]}
#include "mounts.h"

#include <linux/auto_fs.h>
#include <linux/limits.h>
#include <sys/ioctl.h>

/* A daemon with a group of its own, that ends. */
static void leaves_it(const char *place) {
  char options[128];
  int ends[2];
  tst_sys(setpgid(0, 0));
  tst_sys(pipe2(ends, O_DIRECT | O_CLOEXEC));
  snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect", ends[1], getpid());
  if (mount("zdtm", place, "autofs", 0, options)) tst_skip("no autofs can be mounted: %s", strerror(errno));
  tst_sys(mkdir("silent/known", 0711));
  tst_sys(symlink("known", "silent/name"));
  int root = tst_sys(open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  tst_sys(ioctl(root, AUTOFS_IOC_CATATONIC, 0));
  _exit(0);
}

static bool asks_nobody(const char *place) {
  char line[4096];
  bool found = false;
  FILE *table = fopen("/proc/self/mountinfo", "r");
  while (fgets(line, sizeof(line), table))
    if (strstr(line, place) && strstr(line, "autofs") && strstr(line, "fd=-1") && strstr(line, "indirect")) found = true;
  fclose(table);
  return found;
}

int main(void) {
  char here[PATH_MAX], place[PATH_MAX + 8];
  tst_begin();
  tst_sys(unshare(CLONE_NEWNS));
  tst_check(getcwd(here, sizeof(here)), "no directory");
  snprintf(place, sizeof(place), "%.4000s/silent", here);
  mounts_run("mkdir silent");
  pid_t pid = tst_sys(fork());
  if (pid == 0) leaves_it(place);
  tst_reap(pid);
  tst_check(asks_nobody(place), "it asks somebody");
  tst_ready();
  TST_SPOIL tst_sys(umount2(place, MNT_DETACH));
  tst_check(asks_nobody(place), "it is gone, or asks somebody");
  mounts_run("yes silent/known/.; yes silent/name/.; no silent/other");
  return tst_pass();
}
