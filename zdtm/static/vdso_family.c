// zdtm: {"category": "vdso", "verifies": "a vDSO of another kernel in a parent does not harm the kernel's own in its children, nor the other way round", "foreignVdso": "first", "spoils": true, "except": {"area": "the kernel's own areas come beside it", "memory": "jumps stand at its functions' beginnings"}}
#include "tst.h"

#include "vdso.h"

enum { CHILDREN = 3 };

/* Each of the family by itself. */
static void check(void) {
  tst_check(!memcmp((void *)getauxval(AT_SYSINFO_EHDR), "\177ELF", 4), "there is no vDSO");
  vdso_check();
}

static pid_t member(bool parent) {
  pid_t pid = tst_sys(fork());
  if (pid) return pid;
  pid_t child = parent ? member(false) : 0;
  tst_wait();
  check();
  if (child) {
    tst_sys(kill(child, SIGTERM));
    tst_check(tst_reap(child) == 0, "a child's child is gone");
  }
  _exit(0);
}

int main(void) {
  tst_begin();
  vdso_open();
  pid_t pids[CHILDREN];
  for (int i = 0; i < CHILDREN; i++) pids[i] = member(i == 1);
  tst_ready();
  check();
  for (int i = 0; i < CHILDREN; i++) {
    tst_sys(kill(pids[i], SIGTERM));
    tst_check(tst_reap(pids[i]) == 0, "child %d is gone", i);
  }
  return tst_pass();
}
