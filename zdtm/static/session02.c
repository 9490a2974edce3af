// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a random tree of forty tasks with sessions and deaths keeps all its ids"}
#include "family.h"

int main(void) {
  tst_begin();
  static member table[40];
  return family_case(table, family_random(table, 40, 20, false, false));
}
