// zdtm: {"category": "ns", "flavours": ["ns", "uns"], "needs": ["root"], "verifies": "containers without root in one another, three deep: each with a user namespace where nobody may change groups, and with mounts, pids, a host's name and a /proc of its own over those from above, with an orphan in each"}
#include "userns.h"

#include <sys/mount.h>

enum { DEPTH = 3 };

static tst_step *ready, *go, *done;

static void leave(int kinds) {
  tst_sys(unshare(CLONE_NEWUSER | kinds));
  userns_write(getpid(), "setgroups", "deny");
  userns_map(getpid(), "0 0 1\n", "0 0 1\n");
}

static void stays(const char *who, int depth) {
  char host[16] = "", name[16], self[16] = "", pid[16];
  userns_stays(ready, go, who);
  snprintf(name, sizeof(name), "depth%d", depth);
  TST_SPOIL name[0] = 'D';
  tst_sys(gethostname(host, sizeof(host)));
  tst_check(!strcmp(host, name), "%s: the host of %d is called %s", who, depth, host);
  snprintf(pid, sizeof(pid), "%d", getpid());
  tst_sys(readlink("/proc/self", self, sizeof(self) - 1));
  tst_check(!strcmp(self, pid), "%s of %d: /proc says %s, not %s", who, depth, self, pid);
  tst_raise(done);
  tst_sleep();
}

static int orphan(void *depth) {
  tst_until(getppid() == 1, "it has another parent");
  stays("an orphan", *(int *)depth);
  return 0;
}

static int dies(void *depth) {
  tst_child(orphan, depth);
  return 0;
}

static int contains(void *above);

static int init(void *depth) {
  int own = *(int *)depth;
  char name[16];
  tst_sys(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  tst_sys(mount("proc", "/proc", "proc", 0, NULL));
  snprintf(name, sizeof(name), "depth%d", own);
  tst_sys(sethostname(name, strlen(name)));
  pid_t pid = tst_child(dies, depth);
  tst_sys(waitpid(pid, NULL, 0));
  if (own < DEPTH) tst_child(contains, depth);
  stays("an init", own);
  return 0;
}

static int contains(void *above) {
  int own = *(int *)above + 1;
  // the /proc here is of the namespace that it leaves
  leave(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS);
  tst_child(init, &own);
  tst_sleep();
}

int main(void) {
  int none = 0;
  tst_begin();
  ready = tst_new_step(), go = tst_new_step(), done = tst_new_step();
  leave(0);
  tst_child(contains, &none);
  tst_await(ready, 2 * DEPTH);
  tst_ready();
  tst_set(go, 1);
  tst_await(done, 2 * DEPTH);
  return tst_pass();
}
