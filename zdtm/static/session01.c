// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a tree of sessions, groups joined and left, dead, waiting and adopted tasks keeps all its ids"}
#include "family.h"

static const member table[] = {
    {.parent = -1, .join = ALONE, .session = true},
    {.parent = 0, .join = ALONE, .early = true},
    {.parent = 0, .join = ALONE},
    {.parent = 2, .join = ALONE, .session = true, .end = ZOMBIE},
    {.parent = 3, .join = ALONE},
    {.parent = 3, .join = ALONE, .early = true},
    {.parent = 2, .join = ALONE, .group = true},
    {.parent = 2, .join = 6},
    {.parent = 7, .join = 6, .end = ZOMBIE},
    {.parent = -1, .join = ALONE, .group = true, .end = REAPED},
    {.parent = 9, .join = ALONE},
    {.parent = 10, .join = ALONE, .session = true, .end = REAPED},
    {.parent = 11, .join = ALONE, .group = true, .end = REAPED},
    {.parent = 12, .join = ALONE},
    {.parent = 12, .join = 12},
    {.parent = 11, .join = ALONE, .early = true, .session = true},
    {.parent = 15, .join = ALONE, .end = ZOMBIE},
    {.parent = -1, .join = ALONE},
};

int main(void) {
  tst_begin();
  return family_case(table, sizeof(table) / sizeof(*table));
}
