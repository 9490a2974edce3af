/* Options of sockets as tables: set before, compared after. */
#ifndef SOCKOPTS_H
#define SOCKOPTS_H
#include "inet.h"

typedef struct {
  int level, name;
  const char *words;
  int value;
} sockopt;

#define SOCKOPT(level, name, value) {level, name, #name, value}

static inline void sockopts_set(int fd, const sockopt *table, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (setsockopt(fd, table[i].level, table[i].name, &table[i].value, sizeof(int))) tst_die("%s", table[i].words);
}

static inline void sockopts_check(int fd, const char *who, const sockopt *table, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int value = inet_option(fd, table[i].level, table[i].name);
    tst_check(value == table[i].value, "%s has %s %d, not %d", who, table[i].words, value, table[i].value);
  }
}

/* What a socket has of a table's options when nobody sets them. */
static inline void sockopts_usual(int fd, sockopt *table, size_t count) {
  for (size_t i = 0; i < count; i++) table[i].value = inet_option(fd, table[i].level, table[i].name);
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#endif
