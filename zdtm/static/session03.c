// zdtm: {"category": "process-tree", "spoils": true, "verifies": "a random tree of fifty tasks with sessions, groups, threads and adoptions keeps all its ids"}
#include "family.h"

int main(void) {
  tst_begin();
  static member table[50];
  return family_case(table, family_random(table, 50, 3, true, true));
}
