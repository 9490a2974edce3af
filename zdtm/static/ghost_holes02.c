// zdtm: {"category": "files", "spoils": true, "verifies": "a deleted file that begins with a hole keeps data and hole"}
#include "holes.h"

int main(void) {
  static const holes_data data[] = {{2 << 20, 10000}};
  return holes_case(data, 1, (2 << 20) + 10000);
}
