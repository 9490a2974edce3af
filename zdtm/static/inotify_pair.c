// zdtm: {"category": "epoll-fsnotify", "verifies": "two inotifies with equal watch numbers on different files, one shared with a child, do not mix"}
#include "watch.h"

static tst_step *step;
static int one, two;

static int child(void *unused) {
  (void)unused;
  tst_set(step, 1);
  tst_await(step, 2);
  watch_expect(one, 1, IN_ATTRIB, NULL);
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  one = tst_sys(inotify_init1(IN_NONBLOCK));
  two = tst_sys(inotify_init1(IN_NONBLOCK));
  close(tst_sys(open("a", O_CREAT | O_WRONLY, 0644)));
  close(tst_sys(open("b", O_CREAT | O_WRONLY, 0644)));
  tst_check(tst_sys(inotify_add_watch(one, "a", IN_ATTRIB)) == 1, "the first number");
  tst_check(tst_sys(inotify_add_watch(two, "b", IN_ATTRIB)) == 1, "the first number");
  tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL tst_sys(chmod("a", 0611));
  tst_sys(chmod("b", 0600));
  watch_expect(two, 1, IN_ATTRIB, NULL);
  watch_expect_none(one);
  tst_sys(chmod("a", 0600));
  tst_set(step, 2);
  tst_await(step, 3);
  watch_expect_none(one);
  return tst_pass();
}
