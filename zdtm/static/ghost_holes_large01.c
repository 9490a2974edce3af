// zdtm: {"category": "files", "spoils": true, "refused": "--ghost-limit", "verifies": "a deleted sparse file with more data than the limit is refused, and the case goes on"}
#include "holes.h"

int main(void) {
  static const holes_data data[] = {{0, 4096}, {64 << 20, 2 << 20}};
  return holes_case(data, 2, 128 << 20);
}
