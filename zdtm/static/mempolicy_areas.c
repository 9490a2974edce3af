// zdtm: {"category": "memory", "verifies": "of each area comes back on which nodes its memory comes (mbind), also where a child has another policy than its parent and among thousands of areas"}
#include "tst.h"

#define DEFAULT 0
#define PREFERRED 1
#define BIND 2
#define INTERLEAVE 3
#define LOCAL 4
#define STATIC_NODES (1 << 15)
#define OF_ADDRESS 2
/* More than the agent asks for at once. */
#define MANY 2000

struct policy {
  int mode;
  unsigned long nodes;
};

static void bind_area(void *start, size_t bytes, int mode) {
  unsigned long nodes = 1;
  int none = mode == LOCAL || mode == DEFAULT;
  if (syscall(SYS_mbind, start, bytes, mode, none ? NULL : &nodes, none ? 0 : 64, 0) == 0) return;
  if (errno == ENOSYS) tst_skip("the kernel knows no nodes of memory");
  tst_die("mbind");
}

static struct policy at(const void *address) {
  struct policy found;
  unsigned long nodes[16] = {0};
  tst_sys(syscall(SYS_get_mempolicy, &found.mode, nodes, 8 * sizeof nodes, address, OF_ADDRESS));
  found.nodes = nodes[0];
  return found;
}

static char *area, *shared, *many;
static tst_step *step;

static void is(const void *address, int mode, const char *what) {
  struct policy now = at(address);
  unsigned long nodes = mode == LOCAL || mode == DEFAULT ? 0 : 1;
  tst_check(now.mode == mode && now.nodes == nodes, "%s: policy %x of %lx, not %x of %lx", what, now.mode, now.nodes, mode,
            nodes);
}

static int child(void *unused) {
  (void)unused;
  size_t page = tst_page();
  bind_area(area + 2 * page, page, DEFAULT);
  bind_area(area + 4 * page, page, INTERLEAVE);
  tst_set(step, 1);
  tst_await(step, 2);
  is(area, BIND | STATIC_NODES, "the child's, as its parent's");
  is(area + 2 * page, DEFAULT, "the child's, which its parent has bound");
  is(area + 4 * page, INTERLEAVE, "the child's own");
  is(shared, PREFERRED, "the child's shared memory");
  return tst_differs(area, 6 * page, 7) == -1 ? 0 : 1;
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  step = tst_new_step();
  area = tst_private(6 * page);
  tst_fill(area, 6 * page, 7);
  shared = tst_shared(2 * page);
  many = tst_private(MANY * page);
  for (int i = 0; i < MANY; i += 2) tst_sys(mprotect(many + i * page, page, PROT_READ));
  bind_area(area, page, BIND | STATIC_NODES);
  bind_area(area + 2 * page, page, BIND);
  bind_area(shared, 2 * page, PREFERRED);
  bind_area(many + (MANY - 1) * page, page, LOCAL);
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL bind_area(area, page, DEFAULT);
  is(area, BIND | STATIC_NODES, "the first page");
  is(area + page, DEFAULT, "the second page");
  is(area + 2 * page, BIND, "the third page");
  is(area + 4 * page, DEFAULT, "what the child has bound");
  is(shared, PREFERRED, "shared memory");
  is(many, DEFAULT, "the first of many");
  is(many + (MANY - 1) * page, LOCAL, "the last of many");
  tst_check(tst_differs(area, 6 * page, 7) == -1, "the area is another");
  tst_set(step, 2);
  tst_check(tst_reap(pid) == 0, "the child has failed");
  return tst_pass();
}
