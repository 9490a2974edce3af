// zdtm: {"category": "process-tree", "verifies": "tasks that share a working directory, in a group whose leader is gone, keep a listening socket with a relative name"}
#include "tst.h"

#include <sys/socket.h>
#include <sys/un.h>

static struct {
  tst_step ready, check, done;
  pid_t members[2];
} *shared;
static struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "listener"};

static int member(void *which) {
  int n = (int)(intptr_t)which, server = -1;
  shared->members[n] = getpid();
  if (n == 0) {
    pid_t other = tst_sys((pid_t)syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0));
    if (other == 0) _exit(member((void *)1));
    tst_sys(chdir("deep"));
    server = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
    tst_sys(bind(server, (void *)&address, sizeof(address)));
    tst_sys(listen(server, 3));
    tst_raise(&shared->ready);
    int client = tst_sys(accept(server, NULL, NULL));
    tst_sys(write(client, "served", 6));
  } else {
    tst_await(&shared->ready, 1);
    tst_raise(&shared->ready);
    tst_await(&shared->check, 1);
    char heard[8] = {0};
    int client = tst_sys(socket(AF_UNIX, SOCK_STREAM, 0));
    tst_sys(connect(client, (void *)&address, sizeof(address))); /* found from the shared directory */
    tst_sys(read(client, heard, 6));
    tst_check(!strcmp(heard, "served"), "the server says \"%s\"", heard);
    tst_set(&shared->done, 1);
  }
  tst_sleep();
}

static int leader(void *unused) {
  (void)unused;
  tst_sys(setpgid(0, 0));
  if (tst_sys(fork()) == 0) _exit(member(0));
  tst_await(&shared->ready, 2);
  return 0;
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  tst_sys(prctl(PR_SET_CHILD_SUBREAPER, 1));
  tst_sys(mkdir("deep", 0755));
  pid_t group = tst_child(leader, NULL);
  tst_reap(group);
  tst_ready();
  TST_SPOIL tst_sys(unlink("deep/listener"));
  for (int n = 0; n < 2; n++)
    tst_check(getpgid(shared->members[n]) == group, "member %d is in group %d", n, getpgid(shared->members[n]));
  tst_set(&shared->check, 1);
  tst_await(&shared->done, 1);
  return tst_pass();
}
