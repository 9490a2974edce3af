// zdtm: {"except": {"status HugetlbPages": "pages of a shared mapping come back when they are touched"}, "category": "memory", "spoils": true, "needs": ["hugepages"], "except": {"status HugetlbPages": "counts the pages that were touched, not those that exist"}, "verifies": "shared and private mappings of a huge-page memfd keep their relation to each other"}
#include "memfd_maps.h"

int main(void) {
  tst_begin();
  return memfd_maps(MFD_HUGETLB, 2UL << 20);
}
