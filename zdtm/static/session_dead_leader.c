// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a session whose leader is gone keeps its number, with the leader's group and with another one"}
#include "family.h"

static const member table[] = {
    {.parent = -1, .join = ALONE, .session = true, .end = REAPED},
    {.parent = 0, .join = ALONE},
    {.parent = 0, .join = ALONE, .group = true},
    {.parent = 1, .join = ALONE},
};

int main(void) {
  tst_begin();
  return family_case(table, sizeof(table) / sizeof(*table));
}
