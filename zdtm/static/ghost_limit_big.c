// zdtm: {"category": "files", "spoils": true, "opts": ["--ghost-limit", "40M"], "verifies": "a deleted file of 32 MiB comes back whole when --ghost-limit allows it"}
#include "holes.h"

int main(void) {
  static const holes_data data[] = {{0, 32 << 20}};
  return holes_case(data, 1, 32 << 20);
}
