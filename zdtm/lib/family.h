/*
 * Trees made from a table: who forks whom, who begins a session or a group or joins one, who dies and is reaped or
 * not. The first process is a subreaper, so orphans stay in the tree. Before and after, the ids of all are compared,
 * and every living one has to answer.
 */
#ifndef FAMILY_H
#define FAMILY_H
#include "tst.h"

enum { LIVES, ZOMBIE, REAPED };
enum { DIE = 1, REAP, JOIN, ANSWER }; /* orders to a member */
#define ALONE (-1)                    /* joins no group */
#define MOST 128

typedef struct {
  int parent;   /* index of the member that forks it; -1 for the first process */
  bool early;   /* forked before the parent's own setsid or setpgid */
  bool session; /* begins a session */
  bool group;   /* begins a group */
  int join;     /* joins the group of that member, or ALONE */
  int end;
  int threads; /* besides the first */
} member;

typedef struct {
  pid_t parent, group, session;
  char state;
} ids;

static struct {
  tst_step arrived;
  tst_step order[MOST], done[MOST]; /* order numbers rise; what to do lies beside them */
  int word[MOST], operand[MOST];
  pid_t pids[MOST];
} *family;
static const member *plan;
static int members;

static ids ids_of(pid_t pid) {
  ids found = {0};
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  char *text = tst_slurp(path, NULL), *at = text ? strrchr(text, ')') : NULL;
  if (at) sscanf(at + 2, "%c %d %d %d", &found.state, &found.parent, &found.group, &found.session);
  free(text);
  return found;
}

static void *thread_of(void *unused) {
  (void)unused;
  tst_sleep();
}

static void obey(int self) {
  for (int turn = 1;; turn++) {
    tst_await(&family->order[self], turn);
    int operand = family->operand[self];
    switch (family->word[self]) {
      case DIE:
        if (operand) kill(getpid(), operand);
        _exit(self & 0x7f);
      case REAP:
        tst_reap(family->pids[operand]);
        break;
      case JOIN:
        setpgid(0, family->pids[operand]); /* where the kernel refuses, it stays where it is */
        break;
      default:
        tst_check(getpid() == family->pids[self], "member %d has pid %d", self, getpid());
        ids seen = ids_of(getpid());
        tst_check(getppid() == seen.parent && getpgid(0) == seen.group && getsid(0) == seen.session,
                  "member %d sees itself with other ids", self);
    }
    tst_set(&family->done[self], turn);
  }
}

static void fork_children(int self, bool early);

static void live(int self) {
  family->pids[self] = getpid();
  fork_children(self, true);
  if (plan[self].session) tst_sys(setsid());
  if (plan[self].group) setpgid(0, 0);
  fork_children(self, false);
  pthread_t thread;
  for (int i = 0; i < plan[self].threads; i++) tst_pthread(pthread_create(&thread, NULL, thread_of, NULL));
  tst_raise(&family->arrived);
  obey(self);
}

static void fork_children(int self, bool early) {
  for (int i = 0; i < members; i++) {
    if (plan[i].parent != self || plan[i].early != early) continue;
    if (tst_sys(fork()) == 0) live(i);
  }
}

static void order(int who, int word, int operand) {
  int turn = family->order[who].value + 1;
  family->word[who] = word;
  family->operand[who] = operand;
  tst_set(&family->order[who], turn);
  if (word != DIE)
    tst_until(__atomic_load_n(&family->done[who].value, __ATOMIC_SEQ_CST) == turn, "member %d does not obey %d", who, word);
}

static void end_member(int who) {
  order(who, DIE, who % 3 == 2 ? SIGKILL : 0);
  tst_until(tst_state(family->pids[who]) == 'Z', "member %d does not die", who);
  if (plan[who].end != REAPED) return;
  pid_t parent = ids_of(family->pids[who]).parent;
  if (parent == getpid()) tst_reap(family->pids[who]);
  else
    for (int i = 0; i < members; i++)
      if (family->pids[i] == parent) order(i, REAP, who);
}

/* Builds the tree, is dumped, and checks it. Gives the exit code of main. */
static int family_case(const member *table, int count) {
  static ids before[MOST];
  tst_check(count <= MOST, "too many members");
  plan = table;
  members = count;
  family = tst_shared(sizeof(*family));
  tst_sys(prctl(PR_SET_CHILD_SUBREAPER, 1));
  fork_children(-1, true);
  fork_children(-1, false);
  tst_await(&family->arrived, count);
  for (int i = 0; i < count; i++)
    if (table[i].join != ALONE) order(i, JOIN, table[i].join);
  for (int i = 0; i < count; i++)
    if (table[i].end != LIVES) end_member(i);
  for (int i = 0; i < count; i++)
    if (table[i].end == LIVES) order(i, ANSWER, 0);
  for (int i = 0; i < count; i++) before[i] = ids_of(family->pids[i]);
  tst_ready();
  TST_SPOIL for (int i = 0; i < count; i++) if (table[i].end == LIVES) {
    kill(family->pids[i], SIGKILL);
    tst_until(tst_state(family->pids[i]) == 'Z', "the spoiled member stays");
    break;
  }
  for (int i = 0; i < count; i++) {
    if (table[i].end == REAPED) continue;
    ids is = ids_of(family->pids[i]), was = before[i];
    bool asleep = strchr("SRD", was.state) && is.state && strchr("SRD", is.state);
    tst_check(asleep || is.state == was.state, "member %d (%d) is in state %c, was in %c", i, family->pids[i],
              is.state ? is.state : '-', was.state);
    tst_check(is.parent == was.parent && is.group == was.group && is.session == was.session,
              "member %d (%d): parent %d group %d session %d, were %d %d %d", i, family->pids[i], is.parent, is.group,
              is.session, was.parent, was.group, was.session);
  }
  for (int i = 0; i < count; i++)
    if (table[i].end == LIVES) order(i, ANSWER, 0);
  for (int i = 0; i < count; i++) {
    if (table[i].end != ZOMBIE || before[i].parent != getpid()) continue;
    int status = tst_reap(family->pids[i]);
    if (i % 3 == 2) tst_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "zombie %d ended with 0x%x", i, status);
    else tst_check(WIFEXITED(status) && WEXITSTATUS(status) == (i & 0x7f), "zombie %d ended with 0x%x", i, status);
  }
  return tst_pass();
}

/* A table out of a seed; what makes no sense to the kernel is left out. */
static int family_random(member *table, int count, uint32_t seed, bool groups, bool threads) {
#define CHANCE(n) ((seed = seed * 1664525u + 1013904223u) >> 8) % (n)
  for (int i = 0; i < count; i++) {
    member *it = &table[i];
    it->parent = i == 0 ? -1 : (int)(CHANCE((uint32_t)i + 1)) - 1;
    it->early = CHANCE(2);
    it->session = CHANCE(4) == 0;
    it->group = groups && !it->session && CHANCE(3) == 0;
    it->join = groups && CHANCE(3) == 0 ? (int)(CHANCE((uint32_t)count)) : ALONE;
    it->end = (int)(CHANCE(3));
    it->threads = threads ? (int)(CHANCE(4)) : 0;
  }
#undef CHANCE
  return count;
}

#endif
