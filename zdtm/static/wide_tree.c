// zdtm: {"category": "process-tree", "spoils": true, "verifies": "eighty children of one task come back, some of them as zombies and in groups of their own"}
#include "family.h"

int main(void) {
  tst_begin();
  static member table[80];
  for (int i = 0; i < 80; i++)
    table[i] = (member){.parent = -1, .join = i % 7 == 3 ? i - 3 : ALONE, .group = i % 7 == 0, .end = i % 5 == 4 ? ZOMBIE : LIVES};
  return family_case(table, 80);
}
