/*
 * A pty with bytes in it both ways most of the time: lines, and one that grows. Whatever is lost, comes twice or
 * in another order ends the program.
 *   terminal READY
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
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

static void say(int fd, const char *text) {
  if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) wrong("a write", text, -1);
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

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  setbuf(stdout, NULL);
  int off = 0;
  master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || ioctl(master, TIOCSPTLCK, &off)) return 1;
  slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  struct termios modes;
  if (slave < 0 || tcgetattr(slave, &modes)) return 1;
  modes.c_oflag &= ~(tcflag_t)OPOST;
  tcsetattr(slave, TCSANOW, &modes);
  FILE *ready = fopen(argv[1], "w");
  fprintf(ready, "%lx 1\n", (unsigned long)counters);
  fclose(ready);
  for (;;) {
    say(master, "one\ntwo\nthree\npartial");
    struct pollfd there = {.fd = slave, .events = POLLIN};
    poll(&there, 1, -1);
    say(slave, "answer");
    usleep(30000);
    line("one\n");
    line("two\n");
    line("three\n");
    say(master, " no more\n");
    line("partial no more\n");
    all(master, "one\ntwo\nthree\npartialanswer no more\n");
    counters[0]++;
  }
}
