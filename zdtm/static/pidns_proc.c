// zdtm: {"category": "pidns", "verifies": "a /proc in a mount namespace of an inner pid namespace shows that one, and what is mounted upon it lies there; UTS and ipc namespaces of a child are its own", "needs": ["net"]}
#include "pidns.h"

#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>

static tst_step *ready, *go;

static void hostname_is(const char *name) {
  char is[64] = "";
  tst_sys(gethostname(is, sizeof(is)));
  tst_check(!strcmp(is, name), "the host name is %s, not %s", is, name);
}

static int inside(void *argument) {
  (void)argument;
  tst_sys(setsid());
  tst_sys(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  tst_sys(mount("inside", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
  tst_sys(mount("over", "/proc/scsi", "tmpfs", 0, NULL) ? mount("over", "/proc/fs", "tmpfs", 0, NULL) : 0);
  tst_sys(sethostname("inside", 6));
  int id = tst_sys(shmget(0x7321, 4096, IPC_CREAT | IPC_EXCL | 0600));
  char *segment = tst_sys((char *)shmat(id, NULL, 0));
  strcpy(segment, "inside");
  int self = tst_sys(open("/proc/self/status", O_RDONLY)), one = tst_sys(open("/proc/1", O_RDONLY | O_DIRECTORY));
  tst_raise(ready);
  tst_await(go, 1);
  char link[16] = "";
  tst_sys(readlink("/proc/self", link, sizeof(link) - 1));
  tst_check(!strcmp(link, "1"), "/proc calls its init %s", link);
  tst_check(tst_status(1, "Pid", 10) == 1, "/proc shows others");
  char text[256] = "";
  tst_sys(pread(self, text, sizeof(text) - 1, 0));
  tst_check(strstr(text, "\nPid:\t1\n"), "the open file shows another task");
  tst_sys(faccessat(one, "cmdline", R_OK, 0));
  tst_check(access("/proc/2", F_OK) != 0, "/proc shows strangers");
  hostname_is("inside");
  tst_check(shmget(0x7321, 4096, 0) == id && !strcmp(segment, "inside"), "the segment is another");
  return 0;
}

int main(void) {
  char name[64] = "";
  tst_begin();
  ready = tst_new_step();
  go = tst_new_step();
  tst_sys(gethostname(name, sizeof(name)));
  pid_t init = pidns_child(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC, inside, NULL);
  tst_await(ready, 1);
  tst_ready();
  TST_SPOIL tst_sys(kill(init, SIGKILL));
  hostname_is(name);
  tst_check(shmget(0x7321, 4096, 0) < 0, "the segment shows outside");
  tst_set(go, 1);
  tst_check(tst_reap(init) == 0, "the init fails");
  return tst_pass();
}
