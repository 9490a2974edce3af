// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a zombie in a session whose leader is gone is still there, with its ids"}
#include "family.h"

static const member table[] = {
    {.parent = -1, .join = ALONE, .session = true, .end = REAPED},
    {.parent = 0, .join = ALONE},
    {.parent = 1, .join = ALONE, .end = ZOMBIE},
    {.parent = 1, .join = ALONE, .group = true, .end = ZOMBIE},
};

int main(void) {
  tst_begin();
  return family_case(table, sizeof(table) / sizeof(*table));
}
