/*
 * What a C case is made of. A case prepares a state, calls tst_ready(), and checks the state when that returns:
 * in between it may have been dumped, killed and restored any number of times.
 *
 *   // zdtm: {"category": "memory", "verifies": "a private anonymous page keeps its bytes"}
 *   #include "tst.h"
 *   int main(void) {
 *     tst_begin();
 *     ... prepare ...
 *     tst_ready();
 *     TST_SPOIL ... break the state (only under --spoil, where the case has to fail) ...
 *     tst_check(..., "what should be so");
 *     return tst_pass();
 *   }
 */
#ifndef TST_H
#define TST_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* First call of main: remembers the case's directory and blocks SIGTERM, which is the word to go on. */
void tst_begin(void);
/* Tells the harness that the state stands, and waits for its word. Any thread may call it. */
void tst_ready(void);
/* The two halves of tst_ready(). tst_wait() sleeps in sigsuspend. */
void tst_mark_ready(void);
void tst_wait(void);
/* For a case that keeps moving: true until the word to go on has come. Never sleeps. */
bool tst_going(void);
/* True when the harness wants the state broken, to see that the check can fail. */
bool tst_spoiling(void);
#define TST_SPOIL if (tst_spoiling())
/* True when the dump ends the tree and a restore brings it back: an option may have it lose what stays otherwise. */
bool tst_ends(void);

/* The verdict: the first failure of any process counts, so children may fail the case as well. */
int tst_pass(void);
_Noreturn void tst_verdict(const char *kind, int error, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
#define tst_fail(...) tst_verdict("FAIL", 0, __FILE__, __LINE__, __VA_ARGS__)
/* The same after a failed system call: adds errno. */
#define tst_die(...) tst_verdict("FAIL", errno, __FILE__, __LINE__, __VA_ARGS__)
/* This machine cannot hold the state at all; before tst_ready() only. */
#define tst_skip(...) tst_verdict("SKIP", 0, __FILE__, __LINE__, __VA_ARGS__)
#define tst_check(condition, ...)   \
  do {                              \
    if (!(condition)) tst_fail(__VA_ARGS__); \
  } while (0)
/* The value of a call that must not give -1 (MAP_FAILED is one too). */
#define tst_sys(call)                                                    \
  ({                                                                     \
    __typeof__(call) tst_value = (call);                                 \
    if ((intptr_t)tst_value == -1) tst_die("%s", #call);                 \
    tst_value;                                                           \
  })
/* The same for pthread_ functions, which give the error itself. */
#define tst_pthread(call)                                                \
  do {                                                                   \
    int tst_error = (call);                                              \
    if (tst_error) tst_verdict("FAIL", tst_error, __FILE__, __LINE__, "%s", #call); \
  } while (0)
/* Polls until the condition holds; a guard of half a minute only keeps a broken case from hanging. Of a state broken on
 * purpose it may never come: three seconds are enough there. */
#define tst_until(condition, ...)                                        \
  do {                                                                   \
    long tst_turns = tst_spoiling() ? 27000 : 0;                         \
    while (!(condition)) {                                               \
      if (++tst_turns > 30000) tst_fail(__VA_ARGS__);                      \
      tst_nap();                                                         \
    }                                                                    \
  } while (0)
void tst_nap(void); /* one millisecond */

/* Private anonymous and shared anonymous memory, read and write. */
void *tst_private(size_t bytes);
void *tst_shared(size_t bytes);
size_t tst_page(void);

/* A number in shared memory that processes and threads wait for (futex). */
typedef struct {
  int value;
} tst_step;
tst_step *tst_new_step(void);
void tst_set(tst_step *step, int value);
void tst_raise(tst_step *step); /* by one; any number of tasks at once */
void tst_await(tst_step *step, int value); /* until value is reached or passed */

/* A reproducible pattern, never zero in a whole page; tst_differs() gives the first wrong offset, or -1. */
void tst_fill(void *memory, size_t bytes, uint32_t seed);
long tst_differs(const void *memory, size_t bytes, uint32_t seed);

/* Forks a child that runs the function and then exits with what it returned. */
pid_t tst_child(int (*run)(void *), void *argument);
/* Sleeps for good, in pause(). */
_Noreturn void tst_sleep(void);
/* Waits for a child: gives its wait status. */
int tst_reap(pid_t pid);
/* Kills and reaps a child that still has to be alive. */
void tst_end(pid_t pid);

/* /proc: the state letter of a task, a number of its status file (base 10 or 16; -1 when absent), one of its ids. */
char tst_state(pid_t pid);
long tst_status(pid_t pid, const char *key, int base);
/* The whole of a /proc file as a string, to be freed; length without the final zero when asked for. */
char *tst_slurp(const char *path, size_t *length);
/* Does the area that holds this address have this two-letter VmFlag (proc(5), smaps)? */
bool tst_vmflag(const void *address, const char *flag);
/* The page map entry of an address (proc(5), pagemap); present and swapped bits are 63 and 62. */
uint64_t tst_pagemap(const void *address);
/* Is there an area that begins and ends exactly here, with these permissions ("rw-p")? */
bool tst_mapped(const void *start, size_t bytes, const char *permissions);
/* Does a read (or a write of 0x5a) fault? Gives 0 or the signal. */
int tst_faults(void *address, bool write);

#endif
