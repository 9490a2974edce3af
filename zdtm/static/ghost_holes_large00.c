// zdtm: {"category": "files", "spoils": true, "verifies": "a deleted file with a hole of 1 GiB passes the size limit, which counts data, and stays sparse"}
#include "holes.h"

int main(void) {
  static const holes_data data[] = {{0, 4096}, {1 << 30, 4096}};
  return holes_case(data, 2, (1L << 30) + 4096);
}
