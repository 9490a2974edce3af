// zdtm: {"category": "memory", "needs": ["cpu:ospke"], "verifies": "parent and child keep pages under closed keys, shared and changed ones, keys without memory stay taken, and execute-only memory stays so"}
#include "tst.h"

enum { PAGES = 4 };
static uint8_t *memory, *code;
static int closed, idle;

/* The key that /proc shows for an address */
static int key_of(const void *address) {
  FILE *smaps = fopen("/proc/self/smaps", "re");
  char line[512];
  unsigned long from, to;
  int key = -1, inside = 0;
  while (smaps && fgets(line, sizeof(line), smaps)) {
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2) inside = from <= (uintptr_t)address && (uintptr_t)address < to;
    if (inside && sscanf(line, "ProtectionKey: %d", &key) == 1) break;
  }
  if (smaps) fclose(smaps);
  return key;
}

static void look(const char *who, uint32_t seed, int code_key) {
  tst_check(pkey_get(closed) == PKEY_DISABLE_ACCESS, "%s: the key allows %d", who, pkey_get(closed));
  tst_check(key_of(memory) == closed, "%s: the memory has key %d, not %d", who, key_of(memory), closed);
  tst_check(key_of(code) == code_key, "%s: the code has key %d, not %d", who, key_of(code), code_key);
  tst_check(tst_faults(memory, false) == SIGSEGV, "%s: memory under the closed key can be read", who);
  tst_check(code_key == 0 || tst_faults(code, false) == SIGSEGV, "%s: code can be read", who);
  tst_check(((int (*)(void))(void *)code)() == 42, "%s: the code does not run", who);
  tst_sys(pkey_set(closed, 0));
  tst_check(memory[0] == seed && memory[(PAGES - 1) * tst_page()] == 1, "%s: the bytes are wrong", who);
  for (int next; (next = pkey_alloc(0, 0)) > 0;)
    tst_check(next != closed && next != idle && next != code_key, "%s: key %d is free", who, next);
}

static int child(void *unused) {
  (void)unused;
  tst_sys(pkey_set(closed, 0));
  memory[0] = 2;
  tst_sys(pkey_set(closed, PKEY_DISABLE_ACCESS));
  int code_key = key_of(code);
  tst_wait();
  look("child", 2, code_key);
  return 0;
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  int free_later = pkey_alloc(0, 0);
  closed = pkey_alloc(0, 0);
  idle = pkey_alloc(0, 0);
  if (idle < 0) tst_skip("no protection keys: %s", strerror(errno));
  memory = tst_private(PAGES * page);
  for (int i = 0; i < PAGES; i++) memory[i * page] = 1;
  tst_sys(pkey_mprotect(memory, PAGES * page, PROT_READ | PROT_WRITE, closed));
  tst_sys(pkey_set(closed, PKEY_DISABLE_ACCESS));
  code = tst_private(page);
  memcpy(code, "\xb8\x2a\0\0\0\xc3", 6); /* mov $42, %eax; ret */
  tst_sys(mprotect(code, page, PROT_EXEC));
  tst_sys(pkey_free(free_later));
  int code_key = key_of(code);
  pid_t pid = tst_child(child, NULL);
  tst_until(tst_state(pid) == 'S', "the child does not wait");
  tst_ready();
  TST_SPOIL tst_sys(pkey_free(idle));
  look("parent", 1, code_key);
  tst_sys(kill(pid, SIGTERM));
  tst_check(tst_reap(pid) == 0, "the child failed");
  return tst_pass();
}
