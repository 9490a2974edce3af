// zdtm: {"category": "files", "spoils": true, "opts": ["--ghost-limit", "2M"], "verifies": "a deleted file exactly as large as --ghost-limit says comes back whole"}
#include "holes.h"

int main(void) {
  static const holes_data data[] = {{0, 2 << 20}};
  return holes_case(data, 1, 2 << 20);
}
