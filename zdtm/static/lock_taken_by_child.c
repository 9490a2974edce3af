// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "a lock that a child took on the file of its parent is still shown as the child's"}
#include "locks.h"

static int fd, leased;
static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_sys(flock(fd, LOCK_EX));
  tst_sys(fcntl(leased, F_SETLEASE, F_WRLCK));
  tst_set(step, 1);
  tst_sleep();
}

int main(void) {
  tst_begin();
  fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  leased = tst_sys(open("leased", O_RDWR | O_CREAT, 0644));
  step = tst_new_step();
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL {
    tst_sys(flock(fd, LOCK_UN));
    tst_sys(flock(fd, LOCK_EX));
  }
  for (int i = fd; i <= leased; i++) {
    char name[64], text[1024];
    int kind, number;
    snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", i);
    FILE *info = fopen(name, "re");
    while (fgets(text, sizeof(text), info) && strncmp(text, "lock:", 5)) continue;
    fclose(info);
    char word[4][32];
    kind = sscanf(text, "lock: %*d: %31s %31s %31s %d", word[0], word[1], word[2], &number);
    tst_check(kind == 4 && number == pid, "descriptor %d: %s instead of %d", i, text, pid);
  }
  return tst_pass();
}
