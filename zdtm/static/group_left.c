// zdtm: {"category": "process-tree", "spoils": true, "verifies": "who has left the process group that it leads is in the other one, and its members are where they were"}
#include "family.h"

static const member table[] = {
    {.parent = -1, .join = ALONE},
    {.parent = 0, .join = 2},
    {.parent = 0, .join = 3, .group = true},
    {.parent = 0, .join = 4, .group = true},
    {.parent = 2, .join = ALONE, .group = true},
    {.parent = 3, .join = 2, .end = ZOMBIE},
};

int main(void) {
  tst_begin();
  return family_case(table, sizeof(table) / sizeof(*table));
}
