// zdtm: {"category": "threads", "verifies": "pairs of threads and of processes that wake each other without end never miss a turn"}
#include "tst.h"

static struct {
  tst_step ball[2];
  int stop;
} *shared;

static void play(int court, int side) {
  for (int turn = 0; !__atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST); turn += 2) {
    tst_await(&shared->ball[court], turn + side);
    int now = __atomic_load_n(&shared->ball[court].value, __ATOMIC_SEQ_CST);
    if (now >= INT_MAX / 2) return;
    tst_check(now == turn + side, "court %d: the ball is at %d, not %d", court, now, turn + side);
    if (tst_spoiling() && turn == 2000 && side == 1) now++;
    tst_set(&shared->ball[court], now + 1);
    if (turn % 1024 == 0) tst_nap(); /* two pairs alone would take every CPU */
  }
}

static void *thread(void *unused) {
  play(0, 1);
  return unused;
}

static void *partner(void *unused) {
  play(0, 0);
  return unused;
}

static int child(void *unused) {
  (void)unused;
  play(1, 1);
  return 0;
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  pthread_t ids[3];
  pid_t pid = tst_child(child, NULL);
  tst_pthread(pthread_create(&ids[0], NULL, thread, NULL));
  tst_pthread(pthread_create(&ids[1], NULL, partner, NULL));
  tst_mark_ready();
  int turn = 0;
  for (; tst_going(); turn += 2) {
    tst_await(&shared->ball[1], turn);
    int now = __atomic_load_n(&shared->ball[1].value, __ATOMIC_SEQ_CST);
    tst_check(now == turn, "court 1: the ball is at %d, not %d", now, turn);
    tst_set(&shared->ball[1], turn + 1);
    if (turn % 1024 == 0) tst_nap();
  }
  int before = shared->ball[0].value;
  tst_until(__atomic_load_n(&shared->ball[0].value, __ATOMIC_SEQ_CST) > before + 100, "the threads stand still");
  __atomic_store_n(&shared->stop, 1, __ATOMIC_SEQ_CST);
  tst_set(&shared->ball[0], INT_MAX / 2);
  tst_set(&shared->ball[1], INT_MAX / 2);
  for (int i = 0; i < 2; i++) tst_pthread(pthread_join(ids[i], NULL));
  tst_check(tst_reap(pid) == 0, "the child has failed");
  return tst_pass();
}
