// zdtm: {"category": "misc", "env": {"FROM_OUTSIDE": "given"}, "verifies": "variables of the environment, given and set, are still there"}
#include "tst.h"

int main(void) {
  tst_begin();
  setenv("FROM_INSIDE", "set", 1);
  tst_ready();
  TST_SPOIL unsetenv("FROM_INSIDE");
  const char *inside = getenv("FROM_INSIDE"), *outside = getenv("FROM_OUTSIDE");
  tst_check(inside && !strcmp(inside, "set"), "FROM_INSIDE is %s", inside ? inside : "lost");
  tst_check(outside && !strcmp(outside, "given"), "FROM_OUTSIDE is %s", outside ? outside : "lost");
  return tst_pass();
}
