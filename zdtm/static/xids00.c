// zdtm: {"category": "process-tree", "spoils": true, "verifies": "children and a grandchild keep their sessions and process groups"}
#include "family.h"

static const member table[] = {
    {.parent = -1, .join = ALONE, .group = true},
    {.parent = -1, .join = ALONE, .session = true},
    {.parent = 1, .join = ALONE},
    {.parent = 1, .join = ALONE, .group = true},
    {.parent = 0, .join = ALONE},
    {.parent = 0, .join = ALONE, .early = true},
};

int main(void) {
  tst_begin();
  return family_case(table, sizeof(table) / sizeof(*table));
}
