// zdtm: {"category": "ns", "flavours": ["ns", "uns"], "needs": ["root"], "verifies": "a task whose parent has UTS and ipc namespaces of its own lives in those of the tree's root, where it went back to"}
#include "ipc.h"

enum { KEY = 0x72 };
static const char *const names[2] = {"uts", "ipc"};
static tst_step *step, *done;
static int homes[2], queue;

static ino_t lives(pid_t pid, const char *name) {
  char path[64];
  struct stat is;
  snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
  tst_sys(stat(path, &is));
  return is.st_ino;
}

static int back(void *unused) {
  (void)unused;
  for (int i = 0; i < 2; i++) tst_sys(setns(homes[i], 0));
  for (int i = 0; i < 2; i++) close(homes[i]);
  tst_raise(step);
  tst_await(done, 1);
  for (int i = 0; i < 2; i++)
    tst_check(lives(getpid(), names[i]) != lives(getppid(), names[i]), "it lives in its parent's %s namespace", names[i]);
  tst_check(semget(KEY, 1, 0) == queue, "the objects of the root's ipc namespace are not there");
  tst_set(done, 2);
  tst_sleep();
}

static int apart(void *unused) {
  tst_sys(unshare(CLONE_NEWUTS | CLONE_NEWIPC));
  tst_sys(sethostname("apart", 5));
  tst_child(back, unused);
  for (int i = 0; i < 2; i++) close(homes[i]);
  tst_raise(step);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step(), done = tst_new_step();
  queue = tst_sys(semget(KEY, 1, IPC_CREAT | 0600));
  for (int i = 0; i < 2; i++) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
    homes[i] = tst_sys(open(path, O_RDONLY));
  }
  tst_child(apart, NULL);
  for (int i = 0; i < 2; i++) close(homes[i]);
  tst_await(step, 2);
  tst_ready();
  TST_SPOIL tst_sys(semctl(queue, 0, IPC_RMID));
  tst_set(done, 1);
  tst_await(done, 2);
  return tst_pass();
}
