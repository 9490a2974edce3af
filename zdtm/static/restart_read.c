// zdtm: {"category": "arch-regs", "spoils": true, "verifies": "blocked reads and writes of pipes, and the opening of a FIFO, go on"}
#include "blocked.h"

static int empty[2], full[2];
static const size_t size = 1 << 16;

static void __attribute__((constructor)) make(void) {
  static char block[1 << 16];
  tst_sys(pipe(empty));
  tst_sys(pipe(full));
  tst_sys(fcntl(full[1], F_SETPIPE_SZ, (int)size));
  memset(block, 'f', size);
  tst_sys(write(full[1], block, size));
  tst_sys(mkfifo("fifo", 0600));
}

static long reads(void) {
  char text[16] = {0};
  long got = read(empty[0], text, sizeof(text));
  tst_check(got < 0 || !strcmp(text, "hello"), "read \"%s\"", text);
  return got;
}
static void feed(void) { tst_sys(write(empty[1], "hello", 5)); }

static long writes(void) { return write(full[1], "more", 4); }
static void drain(void) {
  static char block[1 << 16];
  for (size_t got = 0; got < size;) got += (size_t)tst_sys(read(full[0], block, size - got));
}

static long opens(void) { return open("fifo", O_RDONLY) >= 0 ? 0 : -1; }
static void open_other(void) { tst_sys(open("fifo", O_WRONLY)); }

static const blocked table[] = {
    {"read", reads, feed, 5, 0},
    {"write", writes, drain, 4, 0},
    {"open of a FIFO", opens, open_other, 0, 0},
};

BLOCKED_MAIN(table)
