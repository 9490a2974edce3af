// zdtm: {"category": "files", "verifies": "duplicates and inherited descriptors share one position and flags, separately opened ones do not"}
#include "tst.h"

#include <linux/kcmp.h>

static tst_step *step;
static int first, copy, apart;

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  tst_sys(lseek(first, 33, SEEK_SET));
  tst_sys(fcntl(copy, F_SETFL, O_APPEND));
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  first = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  copy = tst_sys(dup2(first, 200));
  apart = tst_sys(open("file", O_RDWR));
  pid_t pid = tst_child(child, NULL);
  tst_sys(lseek(first, 11, SEEK_SET));
  tst_sys(lseek(apart, 22, SEEK_SET));
  tst_ready();
  TST_SPOIL tst_sys(dup2(apart, copy));
  tst_check(lseek(copy, 0, SEEK_CUR) == 11 && lseek(apart, 0, SEEK_CUR) == 22, "the positions are %ld and %ld",
            (long)lseek(copy, 0, SEEK_CUR), (long)lseek(apart, 0, SEEK_CUR));
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(lseek(first, 0, SEEK_CUR) == 33 && lseek(copy, 0, SEEK_CUR) == 33, "the child has a position of its own");
  tst_check(lseek(apart, 0, SEEK_CUR) == 22, "the file opened apart shares its position");
  tst_check((fcntl(first, F_GETFL) & O_APPEND) && !(fcntl(apart, F_GETFL) & O_APPEND), "the flags are wrong");
  tst_check(syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, first, copy) == 0, "child and parent have different files");
  tst_check(syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, apart, copy) > 0, "there is only one file");
  return tst_pass();
}
