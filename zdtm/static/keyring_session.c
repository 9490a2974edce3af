// zdtm: {"category": "creds", "verifies": "a session keyring comes back with its name, its keys, what they allow, whose they are and when they expire, shared by parent, child and grandchild; a child of another user has one of its own"}
#include "tst.h"
#include <sys/fsuid.h>
#include "keys.h"

static tst_step *step;

/* The kernel shows the time that is left to who may see the key. */
static bool expires(const char *name) {
  char *keys = tst_slurp("/proc/keys", NULL), *line = strstr(keys, name);
  tst_check(line != NULL, "%s is not shown", name);
  while (line > keys && line[-1] != '\n') line--;
  char left[16];
  tst_check(sscanf(line, "%*s %*s %*s %15s", left) == 1, "a line of another form");
  free(keys);
  return left[0] >= '1' && left[0] <= '9';
}

static int grandchild(void *unused) {
  (void)unused;
  tst_set(step, 3);
  tst_await(step, 4);
  holds("tscriu:later", "told later");
  return 0;
}

static int sharing(void *unused) {
  (void)unused;
  pid_t pid = tst_child(grandchild, NULL);
  tst_await(step, 4);
  holds("tscriu:later", "told later");
  holds("tscriu:one", "first");
  return tst_reap(pid);
}

static int apart(void *unused) {
  (void)unused;
  tst_sys(setresgid(2, 2, 2));
  tst_sys(setresuid(1, 1, 1));
  long ring = new_session("_ses.tscriu-one");
  char before[512];
  strcpy(before, described(ring));
  add_key("user", "tscriu:own", "of the child", KEY_SESSION);
  tst_set(step, 1);
  tst_await(step, 4);
  tst_check(found("user", "tscriu:one") == -1, "it has its parent's keys");
  tst_check(found("user", "tscriu:later") == -1, "it shares its parent's keyring");
  holds("tscriu:own", "of the child");
  is_described(tst_sys(keyctl(0, KEY_SESSION, 0, 0)), before);
  is_described(found("user", "tscriu:own"), "user;1;2;3f010000;tscriu:own");
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  long ring = new_session("_ses.tscriu-one");
  pid_t other = tst_child(apart, NULL);
  tst_await(step, 1);
  char large[3000];
  memset(large, 'x', sizeof large - 1);
  large[sizeof large - 1] = 0;
  long one = add_key("user", "tscriu:one", "first", ring);
  setfsgid(4), setfsuid(3);
  add_key("user", "tscriu:theirs", "somebody else's", ring);
  setfsuid(0), setfsgid(0);
  long inner = add_key("keyring", "tscriu inner; really", NULL, ring);
  add_key("user", "tscriu:inner", large, inner);
  long innermost = add_key("keyring", "innermost", NULL, inner);
  tst_sys(keyctl(8, one, innermost, 0));
  long limited = add_key("user", "tscriu:limited", "not for long", inner);
  tst_sys(keyctl(15, limited, 86400 * 3, 0));
  tst_sys(keyctl(5, limited, 0x1f010000, 0));
  tst_sys(keyctl(5, ring, 0x3f1b0000, 0));
  tst_sys(keyctl(5, inner, 0x1f030000, 0));
  char before[512], after[512];
  strcpy(before, described(ring));
  strcpy(after, described(limited));
  pid_t pid = tst_child(sharing, NULL);
  tst_await(step, 3);
  tst_ready();
  TST_SPOIL keyctl(15, found("user", "tscriu:one"), 1, 0), sleep(2);
  ring = tst_sys(keyctl(0, KEY_SESSION, 0, 0));
  is_described(ring, before);
  is_described(tst_sys(found("user", "tscriu:limited")), after);
  holds("tscriu:one", "first");
  holds("tscriu:inner", large);
  is_described(tst_sys(found("user", "tscriu:theirs")), "user;3;4;3f010000;tscriu:theirs");
  tst_check(expires("tscriu:limited"), "it does not expire any more");
  tst_check(!expires("tscriu:one"), "it expires");
  int32_t in[4];
  tst_check(tst_sys(keyctl(11, found("keyring", "innermost"), (long)in, sizeof in)) == 4, "the innermost is not as it was");
  tst_check(in[0] == found("user", "tscriu:one"), "the innermost has another key");
  add_key("user", "tscriu:later", "told later", ring);
  tst_set(step, 4);
  tst_check(tst_reap(pid) == 0 && tst_reap(other) == 0, "a child has failed");
  return tst_pass();
}
