// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "cc": ["-pthread"], "opts": ["--manage-cgroups"], "verifies": "cgroup namespaces of single tasks and of threads have their roots again, and whoever lives in them"}
#include "cgroups.h"

#include <pthread.h>

enum { SYSTEMD, FREEZER, COUNT };

static const char *const hierarchies[COUNT] = {"name=systemd", "freezer"};
static char *all[COUNT], *one[COUNT], *below;
static tst_step *there, *go;
static char home[512];
static ino_t *inode;

static ino_t lives(void) {
  struct stat is;
  tst_sys(stat("/proc/thread-self/ns/cgroup", &is));
  return is.st_ino;
}

static void must_be_in(const char *hierarchy, const char *path) {
  char is[512];
  cgroup_of("thread-self", hierarchy, is);
  tst_check(!strcmp(is, path), "%s: it is in %s, not in %s", hierarchy, is, path);
}

/* A thread that goes on to a cgroup below the root of its namespace. */
static void *apart(void *unused) {
  cgroup_enter(one[SYSTEMD], "tasks", gettid());
  tst_sys(unshare(CLONE_NEWCGROUP));
  cgroup_enter(below, "tasks", gettid());
  inode[0] = lives();
  tst_raise(there);
  tst_await(go, 1);
  TST_SPOIL cgroup_enter(one[SYSTEMD], "tasks", gettid());
  must_be_in("name=systemd", "/below");
  must_be_in("freezer", "/");
  inode[0] = lives();
  tst_raise(there);
  return unused;
}

/* A task that stays at the root of its own. */
static int task(void *unused) {
  (void)unused;
  cgroup_enter(one[FREEZER], "cgroup.procs", getpid());
  tst_sys(unshare(CLONE_NEWCGROUP));
  tst_raise(there);
  tst_await(go, 1);
  must_be_in("freezer", "/");
  must_be_in("name=systemd", "/");
  inode[1] = lives();
  cgroup_enter(all[FREEZER], "cgroup.procs", getpid());
  must_be_in("freezer", "/..");
  return 0;
}

int main(void) {
  pthread_t thread;
  tst_begin();
  there = tst_new_step(), go = tst_new_step(), inode = tst_shared(tst_page());
  for (int i = 0; i < COUNT; i++) {
    all[i] = cgroup_make(hierarchies[i], NULL, "all"), one[i] = cgroup_make(hierarchies[i], all[i], "one");
    cgroup_enter(all[i], "cgroup.procs", getpid());
  }
  below = cgroup_make("name=systemd", one[SYSTEMD], "below");
  cgroup_of("self", "freezer", home);
  pid_t child = tst_child(task, NULL);
  tst_pthread(pthread_create(&thread, NULL, apart, NULL));
  tst_await(there, 2);
  tst_ready();
  tst_set(go, 1);
  tst_await(there, 3);
  tst_check(tst_reap(child) == 0, "the task is wrong");
  must_be_in("freezer", home);
  tst_check(lives() != inode[0] && lives() != inode[1] && inode[0] != inode[1], "they live together");
  return tst_pass();
}
