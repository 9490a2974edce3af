// zdtm: {"category": "sockets-unix", "verifies": "a server and six clients that come, talk through stream sockets and go: all bytes arrive, and nobody is turned away"}
#include "named.h"

enum { CLIENTS = 6, BLOCK = 3000 };

static named_name name;
static int *stop, turning = 0xff;

static bool whole(int fd, uint8_t *bytes) {
  for (int have = 0; have < BLOCK;) {
    ssize_t got = read(fd, bytes + have, (size_t)(BLOCK - have));
    if (got <= 0) return false;
    have += (int)got;
  }
  return true;
}

/* Connects, has one block sent back with its bytes turned, and closes. */
static int client(void *number) {
  uint8_t bytes[BLOCK], back[BLOCK];
  for (uint32_t seed = (uint32_t)(intptr_t)number; !__atomic_load_n(stop, __ATOMIC_ACQUIRE); seed += CLIENTS) {
    int fd = tst_sys(named_client(SOCK_STREAM, &name));
    /* Data in a connection that nobody has accepted cannot be saved. */
    tst_check(read(fd, bytes, 1) == 1, "the server does not greet");
    for (int turn = 0; turn < 3; turn++) {
      tst_fill(bytes, BLOCK, seed);
      tst_check(write(fd, bytes, BLOCK) == BLOCK && whole(fd, back), "the server is gone");
      for (int i = 0; i < BLOCK; i++) tst_check(back[i] + bytes[i] == 0xff, "byte %d came back wrong", i);
    }
    close(fd);
  }
  return 0;
}

static void *serve(void *argument) {
  int fd = (int)(intptr_t)argument;
  uint8_t bytes[BLOCK] = {0};
  tst_sys(write(fd, bytes, 1));
  while (whole(fd, bytes)) {
    for (int i = 0; i < BLOCK; i++) bytes[i] ^= (uint8_t)turning;
    if (write(fd, bytes, BLOCK) != BLOCK) break;
  }
  close(fd);
  return NULL;
}

int main(void) {
  tst_begin();
  stop = tst_shared(sizeof(*stop));
  name = named_path("server");
  int listener = named_bound(SOCK_STREAM, &name), served = 0;
  tst_sys(listen(listener, CLIENTS));
  pid_t pids[CLIENTS];
  for (int i = 0; i < CLIENTS; i++) pids[i] = tst_child(client, (void *)(intptr_t)i);
  tst_sys(fcntl(listener, F_SETFL, O_NONBLOCK));
  tst_mark_ready();
  bool going = true;
  int last = 0;
  for (int gone = 0; gone < CLIENTS;) {
    int fd = accept4(listener, NULL, NULL, 0);
    if (fd >= 0) {
      pthread_t thread;
      tst_pthread(pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd));
      tst_pthread(pthread_detach(thread));
      served++;
    } else {
      tst_nap();
    }
    if (going && !tst_going()) {
      /* Some more have to come before all may go. */
      if (last == 0) last = served + CLIENTS;
      TST_SPOIL turning = 0x7f;
      going = served < last;
    }
    if (!going && last > 0) {
      last = 0;
      __atomic_store_n(stop, 1, __ATOMIC_RELEASE);
    }
    for (int i = 0; !going && i < CLIENTS; i++) {
      int status;
      if (pids[i] == 0 || waitpid(pids[i], &status, WNOHANG) != pids[i]) continue;
      tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a client ended with %x", status);
      pids[i] = 0;
      gone++;
    }
  }
  tst_check(served > 0, "nobody came");
  return tst_pass();
}
