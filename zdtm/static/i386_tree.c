// zdtm: {"category": "process-tree", "needs": ["i386"], "verifies": "a tree of 32-bit and 64-bit programs comes back: a 32-bit one, a 64-bit shell below it, a 32-bit one below that, which shares memory with its child"}
#include "tst.h"

static char *program;

static tst_step *question, *answer;

/* Adds one to each number, for its parent. */
static int adder(void *unused) {
  (void)unused;
  for (int last = 0; last >= 0;) {
    tst_await(question, last + 1);
    last = question->value;
    tst_set(answer, last + 1);
  }
  return 0;
}

/* The program below the shell: answers each number, which grow, with one more, and says how wide it is. */
static int leaf(void) {
  question = tst_new_step();
  answer = tst_new_step();
  pid_t child = tst_child(adder, NULL);
  for (int n; scanf("%d", &n) == 1;) {
    tst_set(question, n);
    tst_await(answer, n + 1);
    printf("%d %zu\n", answer->value, sizeof(void *) * 8);
    fflush(stdout);
  }
  tst_end(child);
  return 0;
}

static int ask(FILE *to, FILE *from, int n) {
  int answer = 0, bits = 0;
  fprintf(to, "%d\n", n);
  fflush(to);
  tst_check(fscanf(from, "%d %d", &answer, &bits) == 2 && bits == 32, "no answer");
  return answer;
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "leaf")) return leaf();
  tst_begin();
  int to[2], from[2];
  program = tst_sys(realpath("/proc/self/exe", NULL)) ?: "";
  pid_t other = tst_sys(fork());
  if (!other) tst_sleep();
  tst_sys(pipe(to));
  tst_sys(pipe(from));
  pid_t shell = tst_sys(fork());
  if (!shell) {
    tst_sys(dup2(to[0], 0));
    tst_sys(dup2(from[1], 1));
    for (int i = 0; i < 2; i++) close(to[i]), close(from[i]);
    execl("/bin/sh", "sh", "-c", "\"$0\" leaf; echo $((0x7fffffff + 1)) 64", program, NULL);
    _exit(1);
  }
  close(to[0]);
  close(from[1]);
  FILE *ask_it = fdopen(to[1], "w"), *answers = fdopen(from[0], "r");
  tst_check(ask(ask_it, answers, 41) == 42, "another answer");
  tst_until(tst_state(shell) == 'S' && tst_state(other) == 'S', "the children do not sleep");
  tst_ready();
  TST_SPOIL tst_end(shell);
  tst_check(ask(ask_it, answers, 1000) == 1001, "another answer after the dump");
  fclose(ask_it);
  long long sum = 0;
  int bits = 0;
  /* the shell counts in 64 bits */
  tst_check(fscanf(answers, "%lld %d", &sum, &bits) == 2 && sum == 0x80000000LL, "the shell says %lld", sum);
  tst_check(tst_reap(shell) == 0, "the shell has failed");
  tst_end(other);
  return tst_pass();
}
