/* Limits of an ipc namespace. */
#ifndef IPC_LIMITS_H
#define IPC_LIMITS_H
#include "ipc.h"

static const char *const limits[][2] = {
    {"kernel/sem", "123\t4567\t89\t98"},   {"kernel/msgmax", "7777"},        {"kernel/msgmnb", "15555"},
    {"kernel/msgmni", "3210"},             {"kernel/shmmax", "987654321"},   {"kernel/shmall", "54321000"},
    {"kernel/shmmni", "3333"},             {"kernel/shm_rmid_forced", "1"},  {"fs/mqueue/queues_max", "111"},
    {"fs/mqueue/msg_max", "22"},           {"fs/mqueue/msgsize_max", "4444"}, {"fs/mqueue/msg_default", "5"},
    {"fs/mqueue/msgsize_default", "2222"},
};
/* The first ones may be set by the root of a user namespace too. */
enum { LIMITS_FOR_USERS = 6, LIMITS = sizeof(limits) / sizeof(limits[0]) };

static void limits_put(const char *name, const char *value) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/sys/%s", name);
  int fd = tst_sys(open(path, O_WRONLY));
  tst_sys(write(fd, value, strlen(value)));
  close(fd);
}

static void limits_set(int count) {
  for (int i = 0; i < count; i++) limits_put(limits[i][0], limits[i][1]);
}

static void limits_stay(int count) {
  for (int i = 0; i < count; i++) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/sys/%s", limits[i][0]);
    char *now = tst_slurp(path, NULL);
    tst_check(strncmp(now, limits[i][1], strlen(limits[i][1])) == 0, "%s is %s, was %s", limits[i][0], now, limits[i][1]);
    free(now);
  }
}
#endif
