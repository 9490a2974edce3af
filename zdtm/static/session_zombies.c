// zdtm: {"category": "process-tree", "spoils": true, "verifies": "zombies alone in a session whose leader is gone are all still there, whoever their parents are"}
#include "family.h"

static const member table[] = {
    {.parent = -1, .join = ALONE},
    {.parent = 0, .join = ALONE, .session = true, .end = REAPED},
    {.parent = 1, .join = ALONE, .end = ZOMBIE},
    {.parent = 1, .join = ALONE, .end = ZOMBIE},
    {.parent = 1, .join = ALONE, .group = true, .end = ZOMBIE},
    {.parent = 1, .join = ALONE, .session = true},
    {.parent = 5, .early = true, .join = ALONE, .end = ZOMBIE},
};

int main(void) {
  tst_begin();
  return family_case(table, sizeof(table) / sizeof(*table));
}
