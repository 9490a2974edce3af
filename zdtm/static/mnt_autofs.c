// zdtm: {"category": "mounts", "flavours": ["h"], "verifies": "an autofs whose daemon is outside of the tree is refused, nothing is mounted for the sake of the dump, and it works on", "needs": ["net"], "refused": "the program that mounts what somebody looks for .autofs. is outside of the tree"}
#include "mounts.h"

#include <linux/auto_fs.h>
#include <linux/limits.h>

static int requests;

/* Mounts a tmpfs for every name that somebody looks for. */
static int daemon_of(void *root) {
  struct autofs_v5_packet packet;
  int fd = tst_sys(open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  while (read(requests, &packet, sizeof(packet)) > 0) {
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "/mnt/%.*s", packet.len, packet.name);
    bool is_done = packet.hdr.type == autofs_ptype_missing_indirect && !mkdir(path, 0755) && !mount("zdtm", path, "tmpfs", 0, NULL);
    tst_sys(ioctl(fd, is_done ? AUTOFS_IOC_READY : AUTOFS_IOC_FAIL, packet.wait_queue_token));
  }
  return 0;
}

int main(void) {
  char options[128];
  int ends[2];
  tst_begin();
  /* requests of its own group, which is the daemon's, are not sent to it */
  tst_step *step = tst_new_step();
  tst_sys(pipe2(ends, O_DIRECT | O_CLOEXEC));
  requests = ends[0];
  tst_sys(unshare(CLONE_NEWNS));
  pid_t pid = tst_sys(fork());
  if (pid == 0) {
    if (tst_sys(fork())) _exit(0);
    tst_sys(setsid());
    snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect", ends[1], getpid());
    if (mount("zdtm", "/mnt", "autofs", 0, options)) tst_skip("no autofs can be mounted: %s", strerror(errno));
    close(ends[1]);
    tst_set(step, 1);
    _exit(daemon_of("/mnt"));
  }
  tst_reap(pid);
  close(ends[0]);
  close(ends[1]);
  tst_await(step, 1);
  mounts_run("yes /mnt/one/.");
  tst_ready();
  TST_SPOIL tst_fail("spoiled");
  mounts_run("file /mnt/one/f text; yes /mnt/two/.; takes /mnt/two");
  return tst_pass();
}
