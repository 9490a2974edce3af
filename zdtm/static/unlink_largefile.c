// zdtm: {"category": "files", "spoils": true, "verifies": "a deleted sparse file of more than 4 GiB comes back with the data at its far end"}
#include "holes.h"

int main(void) {
  static const holes_data data[] = {{10, 100}, {5L << 30, 5000}};
  return holes_case(data, 2, (5L << 30) + 5000);
}
