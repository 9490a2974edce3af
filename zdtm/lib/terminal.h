/* Terminals: pairs whose numbers nobody else on the machine takes between dump and restore, modes, what is read there. */
#ifndef TERMINAL_H
#define TERMINAL_H
#include "tst.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static inline int tty_number(int master) {
  int number = -1;
  tst_sys(ioctl(master, TIOCGPTN, &number));
  return number;
}

/* A new master, locked. The kernel gives the lowest free number: those below are taken meanwhile. */
static inline int tty_locked_master(int flags) {
  int spare[256], used = 0, master;
  int least = 40 + getpid() % 160;
  for (;;) {
    master = tst_sys(open("/dev/ptmx", flags | O_NOCTTY));
    if (tty_number(master) >= least || used == 256) break;
    spare[used++] = master;
  }
  while (used > 0) close(spare[--used]);
  return master;
}

static inline int tty_master(int flags) {
  int master = tty_locked_master(flags), off = 0;
  tst_sys(ioctl(master, TIOCSPTLCK, &off));
  return master;
}

static inline const char *tty_path(int master) {
  static char path[32];
  snprintf(path, sizeof(path), "/dev/pts/%d", tty_number(master));
  return path;
}

/* The slave, nobody's controlling terminal. */
static inline int tty_slave(int master, int flags) { return tst_sys(open(tty_path(master), flags | O_NOCTTY)); }

/* Makes the caller leader of a session with this controlling terminal: gives the descriptor. */
static inline int tty_lead(const char *path) {
  tst_sys(setsid());
  return tst_sys(open(path, O_RDWR));
}

static inline struct termios tty_modes(int fd) {
  struct termios modes;
  memset(&modes, 0, sizeof(modes)); /* the padding, too, for those who compare */
  tst_sys(tcgetattr(fd, &modes));
  return modes;
}

/* Bytes pass as they are. */
static inline void tty_raw(int fd) {
  struct termios modes = tty_modes(fd);
  cfmakeraw(&modes);
  tst_sys(tcsetattr(fd, TCSANOW, &modes));
}

static inline void tty_say(int fd, const char *text) {
  tst_check(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "a terminal does not take \"%s\"", text);
}

/* Waits until something can be read. */
static inline bool tty_has(int fd) {
  struct pollfd one = {.fd = fd, .events = POLLIN};
  return poll(&one, 1, 0) == 1 && (one.revents & POLLIN);
}

/* Reads as many bytes as the text has, and they have to be the text. */
static inline void tty_hear(int fd, const char *text) {
  char heard[8192] = {0};
  size_t want = strlen(text), have = 0;
  while (have < want) {
    struct pollfd one = {.fd = fd, .events = POLLIN};
    tst_check(poll(&one, 1, 30000) == 1, "a terminal says \"%s\", not \"%s\"", heard, text);
    ssize_t got = tst_sys(read(fd, heard + have, want - have));
    tst_check(got > 0, "a terminal ends behind \"%s\", before \"%s\"", heard, text);
    have += (size_t)got;
  }
  tst_check(!strcmp(heard, text), "a terminal says \"%s\", not \"%s\"", heard, text);
}

/* Nothing more waits there. */
static inline void tty_quiet(int fd) { tst_check(!tty_has(fd), "descriptor %d has something to read", fd); }

#endif
