// zdtm: {"category": "tty", "verifies": "what is queued in ptys both ways stays: lines, ends of file, a line that still grows, literal characters, raw bytes"}
#include "terminal.h"

#define LITERAL "\x16" /* control-V */
#define ENDS "\x04"    /* control-D */

static int masters[3], slaves[3];

static void pair(int n) {
  masters[n] = tty_master(O_RDWR | O_NONBLOCK);
  slaves[n] = tty_slave(masters[n], O_RDWR | O_NONBLOCK);
}

static void hear_line(const char *text) {
  char heard[64] = {0};
  ssize_t got = read(slaves[0], heard, sizeof(heard));
  tst_check(got == (ssize_t)strlen(text) && !memcmp(heard, text, strlen(text)), "a line is \"%s\" (%zd), not \"%s\"",
            heard, got, text);
}

static void hear_nothing(int fd) {
  char byte;
  tst_check(read(fd, &byte, 1) == -1 && errno == EAGAIN, "descriptor %d has something more: %d", fd, byte);
}

int main(void) {
  tst_begin();
  for (int n = 0; n < 3; n++) pair(n);
  /* In lines, with echo; raw; lines that a letter ends too. */
  tty_say(masters[0], "first\nwith" LITERAL "\n inside\nended" ENDS ENDS "a" LITERAL ENDS "b\nstill gro");
  tty_has(slaves[0]);
  tty_say(slaves[0], "said\n");
  tty_raw(slaves[1]);
  tty_say(masters[1], "raw\n" ENDS LITERAL "\x03 bytes");
  tty_has(slaves[1]);
  struct termios modes = tty_modes(slaves[2]);
  modes.c_cc[VEOL] = ';';
  modes.c_lflag &= ~(tcflag_t)ECHO;
  tst_sys(tcsetattr(slaves[2], TCSANOW, &modes));
  tty_say(masters[2], "one;two" LITERAL ";three\nfour");
  tty_has(slaves[2]);
  tst_ready();
  TST_SPOIL tst_sys(tcflush(slaves[0], TCIFLUSH));
  hear_line("first\n");
  hear_line("with\n inside\n");
  hear_line("ended");
  hear_line("");
  hear_line("a" ENDS "b\n");
  hear_nothing(slaves[0]);
  tty_say(masters[0], "ws\n");
  hear_line("still grows\n");
  hear_nothing(slaves[0]);
  /* The echo, and what the slave said. */
  tty_hear(masters[0], "first\r\nwith^\b^J inside\r\nendeda^\b^Db\r\nstill grosaid\r\nws\r\n");
  tty_hear(slaves[1], "raw\n" ENDS LITERAL "\x03 bytes");
  char heard[64] = {0};
  tst_check(read(slaves[2], heard, 64) == 4 && !strcmp(heard, "one;"), "the first is \"%s\"", heard);
  memset(heard, 0, sizeof(heard));
  tst_check(read(slaves[2], heard, 64) == 10 && !strcmp(heard, "two;three\n"), "the second is \"%s\"", heard);
  hear_nothing(slaves[2]);
  tty_say(masters[2], ";");
  memset(heard, 0, sizeof(heard));
  tst_check(read(slaves[2], heard, 64) == 5 && !strcmp(heard, "four;"), "the third is \"%s\"", heard);
  hear_nothing(masters[2]);
  return tst_pass();
}
