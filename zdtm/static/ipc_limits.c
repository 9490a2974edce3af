// zdtm: {"flavours": ["ns", "uns"], "category": "ipc", "needs": ["root"], "verifies": "limits of an ipc namespace stay as they were set, also by the root of a user namespace"}
#include "ipc.h"

static const char *const limits[][2] = {
    {"kernel/sem", "123\t4567\t89\t98"},   {"kernel/msgmax", "7777"},        {"kernel/msgmnb", "15555"},
    {"kernel/msgmni", "3210"},             {"kernel/shmmax", "987654321"},   {"kernel/shmall", "54321000"},
};
enum { COUNT = sizeof(limits) / sizeof(limits[0]) };

static void put(const char *name, const char *value) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/sys/%s", name);
  int fd = tst_sys(open(path, O_WRONLY));
  tst_sys(write(fd, value, strlen(value)));
  close(fd);
}

int main(void) {
  tst_begin();
  for (int i = 0; i < COUNT; i++) put(limits[i][0], limits[i][1]);
  tst_ready();
  TST_SPOIL put("kernel/msgmax", "7778");
  for (int i = 0; i < COUNT; i++) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/sys/%s", limits[i][0]);
    char *now = tst_slurp(path, NULL);
    tst_check(strncmp(now, limits[i][1], strlen(limits[i][1])) == 0, "%s is %s, was %s", limits[i][0], now, limits[i][1]);
    free(now);
  }
  return tst_pass();
}
