// zdtm: {"category": "memory", "spoils": true, "needs": ["hugepages"], "verifies": "shared and private mappings of a huge-page memfd keep their relation to each other"}
#include "memfd_maps.h"

int main(void) {
  tst_begin();
  return memfd_maps(MFD_HUGETLB, 2UL << 20);
}
