// zdtm: {"category": "pipes", "verifies": "a reader that waits for bytes and a writer that waits for room go on and miss nothing"}
#include "tst.h"

static int empty[2], full[2];
enum { ROOM = 65536, MORE = 30000 };

static int reader(void *unused) {
  (void)unused;
  char text[16] = {0};
  ssize_t got = read(empty[0], text, sizeof(text));
  tst_check(got == 5 && !strcmp(text, "hello"), "the reader gets %zd bytes: %s", got, got < 0 ? strerror(errno) : text);
  return 4;
}

static int writer(void *bytes) {
  /* Had it written a part already, the kernel would end it with that part whenever anybody stops the task. */
  ssize_t put = write(full[1], (uint8_t *)bytes + ROOM, MORE);
  tst_check(put == MORE, "the writer writes %zd bytes", put);
  return 5;
}

int main(void) {
  tst_begin();
  uint8_t *bytes = malloc(ROOM + MORE);
  tst_fill(bytes, ROOM + MORE, 3);
  tst_sys(pipe(empty));
  tst_sys(pipe(full));
  tst_sys(fcntl(full[1], F_SETPIPE_SZ, ROOM));
  tst_sys(write(full[1], bytes, ROOM));
  pid_t first = tst_child(reader, NULL), second = tst_child(writer, bytes);
  tst_until(tst_state(first) == 'S' && tst_state(second) == 'S', "the children do not sleep");
  tst_ready();
  memset(bytes, 0, ROOM + MORE);
  tst_sys(write(empty[1], tst_spoiling() ? "hallo" : "hello", 5));
  for (int have = 0; have < ROOM + MORE;) have += (int)tst_sys(read(full[0], bytes + have, (size_t)(ROOM + MORE - have)));
  tst_check(tst_differs(bytes, ROOM + MORE, 3) < 0, "byte %ld is wrong", tst_differs(bytes, ROOM + MORE, 3));
  tst_check(WEXITSTATUS(tst_reap(first)) == 4 && WEXITSTATUS(tst_reap(second)) == 5, "a child ended otherwise");
  return tst_pass();
}
