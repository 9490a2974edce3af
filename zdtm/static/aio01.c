// zdtm: {"category": "aio", "verifies": "AIO contexts keep completions of which some were fetched, at the places in their rings"}
#include "aio_ring.h"

enum { CONTEXTS = 4, FULL = 3, ROUND = 4096 };

/* Requests made and fetched in each: none left, some left; then some left behind the end of the ring, and a full ring. */
static const unsigned made[CONTEXTS] = {11, 40}, fetched[CONTEXTS] = {11, 25};

static void fetch(aio_context_t context, unsigned first, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    struct io_event event;
    tst_check(aio_get(context, 1, &event) == 1, "completion %u is not there", first + i);
    tst_check(event.data == first + i && event.res == 8, "completion %u has %llu, %lld", first + i, event.data, event.res);
  }
}

/* As many as the ring takes: each CPU keeps room for some requests. Gives how many there are in all. */
static unsigned fill_up(aio_context_t context, int fd, unsigned puts) {
  cpu_set_t all, one;
  tst_sys(sched_getaffinity(0, sizeof(all), &all));
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &all)) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    tst_sys(sched_setaffinity(0, sizeof(one), &one));
    while (aio_put(context, fd, puts, 0) == 1) puts++;
    tst_check(errno == EAGAIN, "request %u: %s", puts, strerror(errno));
  }
  tst_sys(sched_setaffinity(0, sizeof(all), &all));
  return puts;
}

int main(void) {
  tst_begin();
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0600));
  aio_context_t contexts[CONTEXTS];
  unsigned puts[CONTEXTS], gets[CONTEXTS], heads[CONTEXTS], tails[CONTEXTS], sizes[CONTEXTS];
  /* one that goes again, so that the kernel's numbers of contexts have a gap */
  aio_context_t gone = aio_new(8);
  for (int i = 0; i < CONTEXTS; i++) {
    contexts[i] = aio_new(32u << i);
    struct aio_ring *ring = (struct aio_ring *)contexts[i];
    puts[i] = i < 2 ? made[i] : ring->nr + 5;
    gets[i] = i < 2 ? fetched[i] : ring->nr - 9;
    for (unsigned put = 0, got = 0; put < puts[i]; put++) {
      tst_check(aio_put(contexts[i], fd, put, 0) == 1, "request %u: %s", put, strerror(errno));
      if (got < gets[i]) fetch(contexts[i], got++, 1);
    }
    if (i == FULL) puts[i] = fill_up(contexts[i], fd, puts[i]);
    heads[i] = ring->head;
    tails[i] = ring->tail;
  }
  tst_check(tails[2] < heads[2], "the third ring did not turn: %u, %u", heads[2], tails[2]);
  tst_sys(syscall(SYS_io_destroy, gone));
  for (int i = 0; i < CONTEXTS; i++) sizes[i] = ((struct aio_ring *)contexts[i])->nr;
  tst_ready();
  TST_SPOIL fetch(contexts[1], gets[1], 1);
  for (int i = 0; i < CONTEXTS; i++) {
    struct aio_ring *ring = (struct aio_ring *)contexts[i];
    tst_check(ring->head == heads[i] && ring->tail == tails[i], "ring %d has %u and %u, had %u and %u", i, ring->head,
              ring->tail, heads[i], tails[i]);
    tst_check(ring->nr == sizes[i], "ring %d is of another size", i);
    fetch(contexts[i], gets[i], puts[i] - gets[i]);
    /* once around: the kernel goes on where it was, and has room for as many as before */
    for (unsigned n = 0; n < ROUND; n++) {
      tst_check(aio_put(contexts[i], fd, n, 0) == 1, "ring %d takes no request %u: %s", i, n, strerror(errno));
      fetch(contexts[i], n, 1);
    }
  }
  return tst_pass();
}
