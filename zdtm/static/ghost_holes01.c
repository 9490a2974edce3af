// zdtm: {"category": "files", "spoils": true, "verifies": "a deleted file that ends with a hole keeps data and size"}
#include "holes.h"

int main(void) {
  static const holes_data data[] = {{0, 5000}};
  return holes_case(data, 1, 3 << 20);
}
