// zdtm: {"category": "ns", "needs": ["root"], "cc": ["-pthread"], "verifies": "threads whose next children are born into other pid and time namespaces than those of their process, alone or all together, bear them there"}
#include "pidns.h"

static tst_step *step, *there, *done;
static struct timespec *clocks;
static ino_t *spaces;
static pid_t *numbers;

static int tells(void *at) {
  int who = *(int *)at;
  tst_sys(clock_gettime(CLOCK_MONOTONIC, &clocks[who]));
  /* by the name that is right whatever /proc shows */
  struct stat space;
  tst_sys(stat("/proc/self/ns/pid", &space));
  spaces[who] = space.st_ino;
  numbers[who] = getpid();
  return 0;
}

static void bears(int who) { tst_check(tst_reap(tst_child(tells, &who)) == 0, "the child %d fails", who); }

static void sets(int hours) {
  char text[64], path[64];
  snprintf(path, sizeof(path), "/proc/%d/timens_offsets", (int)syscall(SYS_gettid));
  int fd = tst_sys(open(path, O_WRONLY)), length = snprintf(text, sizeof(text), "monotonic %d 0\n", hours * 3600);
  tst_sys(write(fd, text, (size_t)length));
  close(fd);
}

enum { INIT, JOINS, CLOCKS, BOTH, STAYS, COUNT };

static int inits(void *unused) {
  tst_raise(there);
  tst_await(step, 2);
  return unused != NULL;
}

static pid_t init_pid;

static void *thread(void *of) {
  int who = *(int *)of;
  if (who == INIT) tst_sys(unshare(CLONE_NEWPID));
  if (who == JOINS) pidns_enter(init_pid);
  if (who == CLOCKS) tst_sys(unshare(CLONE_NEWTIME)), sets(100);
  if (who == BOTH) tst_sys(unshare(CLONE_NEWTIME | CLONE_NEWPID)), sets(200);
  tst_raise(there);
  tst_await(step, 1);
  TST_SPOIL if (who == JOINS) pidns_enter(getpid());
  bears(who);
  tst_raise(done);
  return NULL;
}

static int whose(int who) {
  struct timespec now;
  tst_sys(clock_gettime(CLOCK_MONOTONIC, &now));
  return (int)((clocks[who].tv_sec - now.tv_sec + 1800) / 3600);
}

/* All of its threads, which came after, bear where it does. */
static int together(void *unused) {
  static int who = COUNT;
  pthread_t id;
  (void)unused;
  tst_sys(unshare(CLONE_NEWTIME));
  sets(300);
  if (pthread_create(&id, NULL, thread, &who)) {
    /* an older kernel makes none then */
    clocks[COUNT].tv_sec = clocks[COUNT + 1].tv_sec = -1;
    tst_raise(there);
    tst_await(step, 1);
    tst_raise(done);
    tst_raise(done);
    return 0;
  }
  tst_await(step, 1);
  who++;
  tst_check(!pthread_join(id, NULL), "cannot wait for a thread");
  bears(who);
  tst_raise(done);
  return 0;
}

/* It bears elsewhere than the thread that was there before. */
static int apart(void *unused) {
  static int who[] = {COUNT + 2, COUNT + 3};
  pthread_t id;
  (void)unused;
  tst_check(!pthread_create(&id, NULL, thread, &who[0]), "no thread");
  tst_sys(unshare(CLONE_NEWTIME | CLONE_NEWPID));
  sets(400);
  tst_raise(there);
  tst_await(step, 1);
  bears(who[1]);
  tst_check(!pthread_join(id, NULL), "cannot wait for a thread");
  tst_raise(done);
  return 0;
}

int main(void) {
  static int names[COUNT] = {INIT, JOINS, CLOCKS, BOTH, STAYS};
  pthread_t ids[COUNT];
  tst_begin();
  if (!pidns_of(getpid(), "time")) tst_skip("this kernel has no time namespaces");
  step = tst_new_step(), there = tst_new_step(), done = tst_new_step();
  clocks = tst_shared(tst_page());
  spaces = tst_shared(tst_page());
  numbers = tst_shared(tst_page());
  pid_t pids[] = {tst_child(together, NULL), tst_child(apart, NULL)};
  init_pid = pidns_child(CLONE_NEWPID, inits, NULL);
  for (int i = 0; i < COUNT; i++) tst_check(!pthread_create(&ids[i], NULL, thread, &names[i]), "no thread");
  tst_await(there, COUNT + 4);
  tst_ready();
  tst_set(step, 1);
  tst_await(done, COUNT + 4);
  ino_t own = pidns_of(getpid(), "pid"), inner = pidns_of(init_pid, "pid");
  tst_check(numbers[INIT] == 1 && spaces[INIT] != own && spaces[INIT] != inner, "the first child is no init: %d", numbers[INIT]);
  tst_check(numbers[BOTH] == 1, "the first child of another is no init: %d", numbers[BOTH]);
  tst_check(spaces[JOINS] == inner, "a child is not born where its thread has gone");
  tst_check(spaces[CLOCKS] == own && spaces[STAYS] == own, "a child is born elsewhere");
  tst_check(numbers[COUNT + 3] == 1 && spaces[COUNT + 2] == own, "a child is born where another's are");
  static const int hours[] = {0, 0, 100, 200, 0, 300, 300, 0, 400};
  for (int i = 0; i < COUNT + 4; i++)
    if (clocks[i].tv_sec >= 0) tst_check(whose(i) == hours[i], "the clock of child %d is %d h ahead", i, whose(i));
  tst_set(step, 2);
  for (int i = 0; i < 2; i++) tst_check(tst_reap(pids[i]) == 0, "process %d fails", i);
  tst_check(tst_reap(init_pid) == 0, "the init fails");
  for (int i = 0; i < COUNT; i++) tst_check(!pthread_join(ids[i], NULL), "cannot wait for a thread");
  return tst_pass();
}
