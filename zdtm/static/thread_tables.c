// zdtm: {"category": "threads", "refused": "(thread|table|unshare)", "verifies": "threads that have left the common descriptor table or directory cannot be saved yet: the dump says so, and they go on"}
#include "tst.h"

static tst_step *up, *go;

static void *thread(void *unused) {
  (void)unused;
  tst_sys(unshare(CLONE_FILES | CLONE_FS));
  tst_sys(mkdir("own", 0755));
  tst_sys(chdir("own"));
  int fd = tst_sys(dup2(0, 50));
  tst_raise(up);
  tst_await(go, 1);
  char path[PATH_MAX];
  tst_check(getcwd(path, sizeof(path)) && strstr(path, "/own"), "the thread is in %s", path);
  tst_check(fcntl(fd, F_GETFD) >= 0, "the thread has lost its descriptor");
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t id;
  up = tst_new_step();
  go = tst_new_step();
  tst_pthread(pthread_create(&id, NULL, thread, NULL));
  tst_await(up, 1);
  tst_ready();
  tst_check(fcntl(50, F_GETFD) == -1, "the descriptor shows in the other thread");
  char path[PATH_MAX];
  tst_check(getcwd(path, sizeof(path)) && !strstr(path, "/own"), "the first thread is in %s", path);
  tst_set(go, 1);
  tst_pthread(pthread_join(id, NULL));
  return tst_pass();
}
