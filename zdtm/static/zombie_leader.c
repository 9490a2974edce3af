// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a session with a living member and a leader that nobody has waited for comes back as it is"}
#include "family.h"

static const member table[] = {
    {.parent = -1, .join = ALONE, .session = true, .end = ZOMBIE},
    {.parent = 0, .join = ALONE},
};

int main(void) {
  tst_begin();
  return family_case(table, sizeof(table) / sizeof(*table));
}
