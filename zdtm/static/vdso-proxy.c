// zdtm: {"category": "vdso", "verifies": "a vDSO of another kernel works on through the running kernel's, and neither gets lost nor comes twice", "foreignVdso": true, "except": {"area": "the kernel's own areas come beside it", "memory": "jumps stand at its functions' beginnings"}}
#include "tst.h"

#include "vdso.h"

struct areas {
  unsigned long code, data, all;
};

/* The kernel's own, by its names. */
static struct areas look(void) {
  struct areas found = {0};
  char *text = tst_slurp("/proc/self/maps", NULL), *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    unsigned long start, end;
    sscanf(line, "%lx-%lx ", &start, &end);
    if (strstr(line, "[vdso]")) found.code += end - start;
    if (strstr(line, "[vvar")) found.data += end - start;
    if (!strstr(line, "[stack]") && !strstr(line, "[heap]")) found.all += end - start;
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
  TST_SPOIL after.code = 0;
  tst_check(after.code == before.code && after.data == before.data, "%lu bytes of code and %lu of data were %lu and %lu",
            after.code, after.data, before.code, before.data);
  /* It is there once more, and no more than that. */
  unsigned long own = before.code + before.data;
  tst_check(after.all == before.all || after.all == before.all + own, "%lu bytes of areas were %lu", after.all, before.all);
  return tst_pass();
}
