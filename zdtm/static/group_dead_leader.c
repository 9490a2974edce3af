// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a process group whose leader is gone keeps its number and its members"}
#include "family.h"

static const member table[] = {
    {.parent = -1, .join = ALONE, .group = true, .end = REAPED},
    {.parent = -1, .join = 0},
    {.parent = 0, .join = ALONE},
    {.parent = 1, .join = 0},
};

int main(void) {
  tst_begin();
  return family_case(table, sizeof(table) / sizeof(*table));
}
