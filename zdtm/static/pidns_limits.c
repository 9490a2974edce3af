// zdtm: {"flavours": ["ns", "uns"], "category": "pidns", "needs": ["root", "file:/proc/sys/vm/memfd_noexec"], "verifies": "how high numbers may be in a pid namespace, and whether its memfds may be executed, stay as they were set, in one inside of it, too"}
#include "pidns.h"

static tst_step *step;

static const char *const files[] = {"/proc/sys/kernel/pid_max", "/proc/sys/vm/memfd_noexec"};

/* The second one is the machine's root's to set. */
static void put(int file, const char *value) {
  int fd = open(files[file], O_WRONLY);
  if (fd < 0 && errno == EACCES && file == 1) return;
  tst_sys(fd);
  tst_sys(write(fd, value, strlen(value)));
  close(fd);
}

static long of(int file) {
  char *now = tst_slurp(files[file], NULL);
  long value = strtol(now, NULL, 10);
  free(now);
  return value;
}

static void is(int file, long value, const char *who) {
  tst_check(of(file) == value, "%s of %s is %ld, was %ld", files[file], who, of(file), value);
}

static int inner(void *argument) {
  put(0, "4321");
  put(1, "2");
  long may = of(1);
  tst_set(step, 1);
  tst_await(step, 2);
  is(0, 4321, "the inner one");
  is(1, may, "the inner one");
  (void)argument;
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int with_exec = tst_sys(memfd_create("executable", 0x10));
  tst_sys(fchmod(with_exec, 0755));
  pid_t init = pidns_child(CLONE_NEWPID, inner, NULL);
  tst_await(step, 1);
  if (of(0) == 4321) tst_skip("the machine has one limit of numbers for all");
  put(0, "23456");
  put(1, "1");
  long may = of(1);
  tst_ready();
  TST_SPOIL put(0, "23457");
  is(0, 23456, "the outer one");
  is(1, may, "the outer one");
  struct stat st;
  tst_sys(fstat(with_exec, &st));
  tst_check((st.st_mode & 0777) == 0755, "what is in memory may not be executed any more");
  tst_set(step, 2);
  tst_check(tst_reap(init) == 0, "the inner init fails");
  return tst_pass();
}
