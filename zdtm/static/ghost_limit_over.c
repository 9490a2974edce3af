// zdtm: {"category": "files", "spoils": true, "opts": ["--ghost-limit", "2M"], "refused": "--ghost-limit", "verifies": "a deleted file one block larger than --ghost-limit is refused, and the case goes on"}
#include "holes.h"

int main(void) {
  static const holes_data data[] = {{0, (2 << 20) + 4096}};
  return holes_case(data, 1, (2 << 20) + 4096);
}
