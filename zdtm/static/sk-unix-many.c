// zdtm: {"category": "sockets-unix", "verifies": "1,000 unix sockets of all types, in three tasks, with and without names, with data and clients waiting, all answer"}
#include "named.h"

enum { EACH = 100 };

static int pairs[EACH][2], packets[EACH][2], datagrams[EACH][2], left[EACH], listeners[EACH], clients[EACH];
static named_name names[EACH];

static void hear(int fd, long what) {
  long heard = -1;
  tst_check(recv(fd, &heard, sizeof(heard), MSG_DONTWAIT) == sizeof(heard) && heard == what, "heard %ld, not %ld", heard, what);
}

static void say(int fd, long what) {
  tst_check(send(fd, &what, sizeof(what), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(what), "cannot say %ld", what);
}

/* Holds one end of a third of the pairs, alone. */
static int hold(void *number) {
  for (int i = 0; i < EACH; i++)
    if (i % 3 != (int)(intptr_t)number) close(pairs[i][1]);
  tst_sleep();
}

int main(void) {
  tst_begin();
  for (long i = 0; i < EACH; i++) {
    int gone[2];
    char name[32];
    tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]));
    tst_sys(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, packets[i]));
    tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, gone));
    snprintf(name, sizeof(name), "many%ld", i);
    named_name address = i % 2 ? named_abstract(name) : named_path(name);
    datagrams[i][0] = named_bound(SOCK_DGRAM, &address);
    datagrams[i][1] = tst_sys(named_client(SOCK_DGRAM, &address));
    snprintf(name, sizeof(name), "listener%ld", i);
    names[i] = i % 2 ? named_abstract(name) : named_path(name);
    listeners[i] = named_bound(SOCK_STREAM, &names[i]);
    tst_sys(listen(listeners[i], 4));
    clients[i] = tst_sys(named_client(SOCK_STREAM, &names[i]));
    say(pairs[i][1], i);
    say(packets[i][0], i + 1);
    say(gone[0], i + 2);
    say(datagrams[i][1], i + 3);
    close(gone[0]);
    left[i] = gone[1];
  }
  pid_t first = tst_child(hold, (void *)(intptr_t)0), second = tst_child(hold, (void *)(intptr_t)1);
  tst_ready();
  TST_SPOIL tst_sys(shutdown(packets[EACH / 2][0], SHUT_WR));
  for (long i = 0; i < EACH; i++) {
    char byte;
    hear(pairs[i][0], i);
    say(pairs[i][1], -i);
    hear(pairs[i][0], -i);
    hear(packets[i][1], i + 1);
    say(packets[i][0], i);
    hear(left[i], i + 2);
    tst_check(recv(left[i], &byte, 1, MSG_DONTWAIT) == 0, "the closed end is open");
    hear(datagrams[i][0], i + 3);
    say(datagrams[i][1], i);
    hear(datagrams[i][0], i);
    int server = tst_sys(accept(listeners[i], NULL, NULL));
    say(clients[i], i + 4);
    hear(server, i + 4);
    named_serves(listeners[i], SOCK_STREAM, &names[i]);
  }
  tst_end(first);
  tst_end(second);
  return tst_pass();
}
