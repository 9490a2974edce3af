// zdtm: {"category": "process-tree", "spoils": true, "verifies": "orphans of sessions whose leaders are gone keep session and group"}
#include "family.h"

static const member table[] = {
    {.parent = -1, .join = ALONE, .session = true, .end = REAPED},
    {.parent = 0, .join = ALONE, .early = true},
    {.parent = 0, .join = ALONE},
    {.parent = 2, .join = ALONE, .group = true},
    {.parent = -1, .join = ALONE, .session = true, .end = REAPED},
    {.parent = 4, .join = ALONE, .session = true, .end = REAPED},
    {.parent = 5, .join = ALONE},
    {.parent = 4, .join = ALONE, .group = true},
};

int main(void) {
  tst_begin();
  return family_case(table, sizeof(table) / sizeof(*table));
}
