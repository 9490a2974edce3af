// zdtm: {"category": "memory", "verifies": "a file shared by two tasks' mappings gets writes of both, whether its descriptor is open or not"}
#include "tst.h"

static uint8_t *memory;
static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  tst_check(memory[0] == 'p', "the parent's write is not seen");
  memory[1] = 'c';
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  step = tst_new_step();
  int fd = tst_sys(open("shared", O_RDWR | O_CREAT, 0600));
  tst_sys(ftruncate(fd, (off_t)(2 * page)));
  memory = tst_sys(mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  close(fd);
  memory[page] = 'x';
  pid_t pid = tst_child(child, NULL);
  tst_ready();
  memory[0] = 'p';
  TST_SPOIL memory[0] = '-';
  tst_set(step, 1);
  tst_until(step->value == 2 || tst_state(pid) == 'Z', "the child does not answer");
  tst_check(step->value == 2, "the child has failed");
  char seen[2];
  fd = tst_sys(open("shared", O_RDONLY));
  tst_sys(read(fd, seen, 2));
  tst_check(seen[0] == 'p' && seen[1] == 'c', "the file holds %.2s", seen);
  tst_sys(pread(fd, seen, 1, (off_t)page));
  tst_check(seen[0] == 'x', "the earlier write is lost");
  tst_end(pid);
  return tst_pass();
}
