// zdtm: {"category": "vdso", "verifies": "a vDSO of another kernel works on through the running kernel's, and neither gets lost nor comes twice", "foreignVdso": "all", "except": {"area": "the kernel's own areas come beside it", "memory": "jumps stand at its functions' beginnings"}}
#include "tst.h"

#include "vdso.h"

struct areas {
  /* How many, and bytes. */
  unsigned long count, kernels, all;
};

/* The kernel's own, by its names. */
static struct areas look(void) {
  struct areas found = {0};
  char *text = tst_slurp("/proc/self/maps", NULL), *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    unsigned long start, end;
    sscanf(line, "%lx-%lx ", &start, &end);
    if (strstr(line, "[vdso]")) found.count++;
    if (strstr(line, "[vdso]") || strstr(line, "[vvar")) found.kernels += end - start;
    if (!strstr(line, "[stack]") && !strstr(line, "[heap]") && !strstr(line, "[vsyscall]")) found.all += end - start;
  }
  free(text);
  return found;
}

int main(void) {
  tst_begin();
  vdso_open();
  struct areas before = look();
  tst_ready();
  vdso_check();
  struct areas after = look();
  TST_SPOIL after.count = 2;
  tst_check(before.count == 1 && after.count == 1, "there were %lu, and are %lu", before.count, after.count);
  /* It is there once more, and no more than that. */
  tst_check(after.all == before.all || after.all == before.all + after.kernels, "%lu bytes of areas were %lu", after.all,
            before.all);
  return tst_pass();
}
