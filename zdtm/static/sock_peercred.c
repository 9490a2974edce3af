// zdtm: {"flavours": ["h"], "category": "sockets-unix", "needs": ["root"], "verifies": "SO_PEERCRED of pairs and connections tells who made them: children of other users, gone by now, and those still there"}
#include "named.h"

static int fds[4];

static void creds_of(int fd, struct ucred *is) {
  socklen_t length = sizeof(*is);
  tst_sys(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, is, &length));
}

/* Made by another user: descriptors shared by CLONE_FILES stay when the maker is gone. */
static int maker(void *unused) {
  (void)unused;
  tst_sys(setresgid(4321, 4321, 4321));
  tst_sys(setresuid(1234, 1234, 1234));
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds + 2));
  return 0;
}

int main(void) {
  tst_begin();
  static char stack[64 * 1024] __attribute__((aligned(16)));
  pid_t pid = tst_sys(clone(maker, stack + sizeof(stack), CLONE_FILES | CLONE_VM | SIGCHLD, NULL));
  tst_check(tst_reap(pid) == 0, "the maker failed");
  named_name name = named_path("listener");
  int listener = named_bound(SOCK_STREAM, &name), own[2];
  tst_sys(listen(listener, 3));
  int client = named_client(SOCK_STREAM, &name), server = tst_sys(accept(listener, NULL, NULL));
  tst_sys(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, own));
  int all[] = {fds[0], fds[1], fds[2], fds[3], client, server, own[0], own[1]};
  struct ucred before[8], is;
  for (int i = 0; i < 8; i++) creds_of(all[i], &before[i]);
  tst_check(before[0].uid == 1234 && before[4].pid == getpid(), "the state is another");
  tst_ready();
  TST_SPOIL before[0].uid = 5;
  for (int i = 0; i < 8; i++) {
    creds_of(all[i], &is);
    tst_check(is.uid == before[i].uid && is.gid == before[i].gid, "socket %d: %d:%d, not %d:%d", i, is.uid, is.gid,
              before[i].uid, before[i].gid);
    tst_check(is.pid == before[i].pid, "socket %d: pid %d, not %d", i, is.pid, before[i].pid);
  }
  struct ucred listens;
  creds_of(client, &listens);
  tst_check(listens.pid == getpid(), "the listener belongs to %d", listens.pid);
  return tst_pass();
}
