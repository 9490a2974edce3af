// zdtm: {"category": "files", "spoils": true, "verifies": "a deleted file with a hole in its middle keeps data and hole"}
#include "holes.h"

int main(void) {
  static const holes_data data[] = {{0, 8192}, {1 << 20, 4096}};
  return holes_case(data, 2, (1 << 20) + 4096);
}
