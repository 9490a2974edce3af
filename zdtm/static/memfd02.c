// zdtm: {"category": "memory", "spoils": true, "verifies": "shared and private mappings of a memfd keep their relation to each other and to the descriptor"}
#include "memfd_maps.h"

int main(void) {
  tst_begin();
  return memfd_maps(0, tst_page());
}
