// zdtm: {"category": "aio", "verifies": "a child that was born with its parent's ring stands beside it: the parent's context works, the ring is still there in the child"}
#include "aio_ring.h"

static aio_context_t context;
static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  struct aio_ring *ring = (struct aio_ring *)context;
  return ring->magic == 0xa10a10a1 && ring->length == sizeof(*ring) ? 7 : 1;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  context = aio_new(16);
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0600));
  for (unsigned i = 0; i < 3; i++) tst_check(aio_put(context, fd, i, 0) == 1, "no request is taken");
  pid_t pid = tst_child(child, NULL);
  tst_ready();
  struct io_event events[8];
  TST_SPOIL aio_get(context, 1, events);
  tst_check(aio_get(context, 8, events) == 3, "not three answers");
  for (unsigned i = 0; i < 3; i++) tst_check(events[i].data == i && events[i].res == 8, "answer %u is %llu", i, events[i].data);
  tst_check(aio_put(context, fd, 9, 0) == 1 && aio_get(context, 8, events) == 1 && events[0].data == 9, "it works no more");
  tst_set(step, 1);
  tst_check(WEXITSTATUS(tst_reap(pid)) == 7, "the child has no ring");
  return tst_pass();
}
