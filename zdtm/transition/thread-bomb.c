// zdtm: {"category": "threads", "verifies": "chains of threads, each of which begins the next and ends, go on without losing a link"}
#include "tst.h"

#define CHAINS 8

static volatile bool over;
static int links[CHAINS], alive = CHAINS;
static pthread_attr_t detached;

static void *link_of(void *which) {
  int n = (int)(intptr_t)which;
  pthread_t id;
  links[n]++;
  if (over || (tst_spoiling() && n == 3 && links[n] > 20)) {
    __atomic_sub_fetch(&alive, 1, __ATOMIC_SEQ_CST);
    return NULL;
  }
  int error = pthread_create(&id, &detached, link_of, which);
  tst_check(error == 0, "chain %d breaks: %s", n, strerror(error));
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t id;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&detached, 65536);
  for (intptr_t i = 0; i < CHAINS; i++) tst_pthread(pthread_create(&id, &detached, link_of, (void *)i));
  tst_ready();
  tst_check(__atomic_load_n(&alive, __ATOMIC_SEQ_CST) == CHAINS, "%d chains are left", alive);
  int before[CHAINS];
  memcpy(before, links, sizeof(before));
  for (int i = 0; i < CHAINS; i++) tst_until(__atomic_load_n(&links[i], __ATOMIC_SEQ_CST) > before[i] + 5, "chain %d stands still", i);
  over = true;
  tst_until(__atomic_load_n(&alive, __ATOMIC_SEQ_CST) == 0, "%d chains do not end", alive);
  return tst_pass();
}
