// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a chain of forty tasks, each the child of the one before, comes back whole"}
#include "family.h"

int main(void) {
  tst_begin();
  static member table[40];
  for (int i = 0; i < 40; i++) table[i] = (member){.parent = i - 1, .join = ALONE, .session = i % 13 == 7, .early = i % 2};
  return family_case(table, 40);
}
