// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a child keeps its pid and its parent"}
#include "family.h"

static const member table[] = {
    {.parent = -1, .join = ALONE},
};

int main(void) {
  tst_begin();
  return family_case(table, sizeof(table) / sizeof(*table));
}
