// zdtm: {"category": "process-tree", "spoils": true, "verifies": "zombies keep process groups of their own, of another and of a dead leader"}
#include "family.h"

static const member table[] = {
    {.parent = -1, .join = ALONE, .group = true, .end = ZOMBIE},
    {.parent = -1, .join = ALONE, .group = true},
    {.parent = -1, .join = 1, .end = ZOMBIE},
    {.parent = -1, .join = ALONE, .group = true, .end = REAPED},
    {.parent = -1, .join = 3, .end = ZOMBIE},
    {.parent = -1, .join = 3},
};

int main(void) {
  tst_begin();
  return family_case(table, sizeof(table) / sizeof(*table));
}
