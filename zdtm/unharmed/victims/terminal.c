/*
 * A pty with bytes in it both ways most of the time: lines, and one that grows; or more raw bytes than its line buffers hold.
 * Whatever is lost, comes twice or in another order ends the program.
 *   terminal [full] READY
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

volatile uint64_t counters[1];
static int master, slave;

static void wrong(const char *what, const char *have, ssize_t bytes) {
  printf("wrong at round %llu: not %.5s but \"%.*s\" (%zd)\n", (unsigned long long)counters[0], what,
         bytes > 0 ? (int)bytes : 0, have, bytes);
  exit(1);
}

/* A stop in the middle of a long write ends it with what is written so far: SIGSTOP does that, too. */
static void say(int fd, const char *text) {
  for (ssize_t left = (ssize_t)strlen(text), done; left > 0; text += done, left -= done)
    if ((done = write(fd, text, (size_t)left)) <= 0) wrong("a write", text, -1);
}

/* One read has to give just this. */
static void line(const char *text) {
  char have[256];
  ssize_t got = read(slave, have, sizeof(have));
  if (got != (ssize_t)strlen(text) || memcmp(have, text, strlen(text))) wrong(text, have, got);
}

static void all(int fd, const char *text) {
  char have[256];
  for (size_t done = 0; done < strlen(text);) {
    ssize_t got = read(fd, have, sizeof(have));
    if (got <= 0 || done + (size_t)got > strlen(text) || memcmp(have, text + done, (size_t)got)) wrong(text, have, got);
    done += (size_t)got;
  }
}

/* Short lines, more than a pipe has pages. */
#define MANY 40
#define ECHO_BYTES (5 + 5 + 7 + 3 * MANY + 7)

static void lines(void) {
  char heard[256];
  for (;; counters[0]++) {
    say(master, "one\ntwo\nthree\n");
    for (int i = 0; i < MANY; i++) say(master, "x\n");
    say(master, "partial");
    /* until the last of its echo is there */
    for (int echo = 0; echo < ECHO_BYTES; usleep(500)) ioctl(master, FIONREAD, &echo);
    say(slave, "answer\n");
    usleep(30000);
    line("one\n");
    line("two\n");
    line("three\n");
    for (int i = 0; i < MANY; i++) line("x\n");
    say(master, " no more\n");
    line("partial no more\n");
    char *end = stpcpy(heard, "one\r\ntwo\r\nthree\r\n");
    for (int i = 0; i < MANY; i++) end = stpcpy(end, "x\r\n");
    strcpy(end, "partialanswer\r\n no more\r\n");
    all(master, heard);
  }
}

/* Bytes each way: more than one line buffer, less than makes a writer wait. */
#define FULL 9000

static void full(struct termios modes) {
  static char bytes[FULL + 1];
  cfmakeraw(&modes);
  tcsetattr(slave, TCSANOW, &modes);
  for (;; counters[0]++) {
    for (int i = 0; i < FULL; i++) bytes[i] = (char)('!' + (i * 7 + i / 93 + (int)counters[0]) % 90);
    say(master, bytes);
    say(slave, bytes);
    usleep(30000);
    all(slave, bytes);
    all(master, bytes);
  }
}

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  setbuf(stdout, NULL);
  int off = 0;
  master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || ioctl(master, TIOCSPTLCK, &off)) return 1;
  slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  struct termios modes;
  if (slave < 0 || tcgetattr(slave, &modes)) return 1;
  FILE *ready = fopen(argv[argc - 1], "w");
  fprintf(ready, "%lx 1\n", (unsigned long)counters);
  fclose(ready);
  if (!strcmp(argv[1], "full")) full(modes);
  lines();
}
