/* The case of a deleted file with a thousand holes, for the two ways in which a dump can look for them. */
#include "holes.h"

enum { MANY = 1000 };

int main(void) {
  static holes_data data[MANY];
  for (int i = 0; i < MANY; i++) data[i] = (holes_data){(off_t)i * 12288, 4096};
  return holes_case(data, MANY, (off_t)MANY * 12288);
}
