/*
 * A process and its child with so much memory that both write it at the same time, in several pieces, and others help to give it
 * back at the end. Whatever is lost or changed of it ends the program.
 *   large READY
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WORDS = 9 << 20, PIECE = WORDS / 64 };

volatile uint64_t counters[1];

static uint64_t word(uint64_t i) { return (i + 1) * 0x9e3779b97f4a7c15u; }

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  uint64_t *memory = mmap(NULL, WORDS * sizeof(*memory), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  for (uint64_t i = 0; i < WORDS; i++) memory[i] = word(i);
  pid_t child = fork();
  if (child < 0) return 1;
  FILE *ready = child ? fopen(argv[1], "w") : NULL;
  if (ready) {
    fprintf(ready, "%lx 1\n", (unsigned long)counters);
    fclose(ready);
  }
  for (;; counters[0]++) {
    uint64_t first = counters[0] % 64 * PIECE;
    for (uint64_t i = first; i < first + PIECE; i++)
      if (memory[i] != word(i)) {
        printf("word %llu is %llx\n", (unsigned long long)i, (unsigned long long)memory[i]);
        fflush(stdout);
        exit(1);
      }
    usleep(2000);
  }
}
