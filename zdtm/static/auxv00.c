// zdtm: {"category": "memory", "verifies": "auxiliary vector, arguments and environment are where they were, in memory and in /proc"}
#include "tst.h"

#include <elf.h>
#include <sys/auxv.h>

extern char **environ;
static const unsigned long kinds[] = {AT_PHDR, AT_ENTRY, AT_BASE, AT_RANDOM, AT_SYSINFO_EHDR, AT_EXECFN, AT_UID,
                                      AT_CLKTCK, AT_HWCAP, AT_PAGESZ, AT_MINSIGSTKSZ};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

int main(int argc, char **argv) {
  tst_begin();
  static const char *files[] = {"/proc/self/auxv", "/proc/self/cmdline", "/proc/self/environ"};
  char *before[3], random[16], name[256];
  size_t sizes[3];
  unsigned long values[KINDS];
  char **environ_before = environ, *program = argv[0];
  for (int i = 0; i < 3; i++) before[i] = tst_slurp(files[i], &sizes[i]);
  for (size_t i = 0; i < KINDS; i++) values[i] = getauxval(kinds[i]);
  memcpy(random, (void *)getauxval(AT_RANDOM), sizeof(random));
  snprintf(name, sizeof(name), "%s", argv[0]);
  tst_ready();
  TST_SPOIL argv[0][0] = '!';
  for (int i = 0; i < 3; i++) {
    size_t size;
    char *after = tst_slurp(files[i], &size);
    tst_check(size == sizes[i] && !memcmp(before[i], after, size), "%s has changed", files[i]);
  }
  for (size_t i = 0; i < KINDS; i++)
    tst_check(getauxval(kinds[i]) == values[i], "entry %lu of the auxiliary vector has changed", kinds[i]);
  tst_check(!memcmp(random, (void *)getauxval(AT_RANDOM), sizeof(random)), "the random bytes have changed");
  tst_check(argc == 1 && argv[0] == program && !strcmp(argv[0], name), "the arguments have changed");
  tst_check(environ == environ_before, "the environment has moved");
  return tst_pass();
}
