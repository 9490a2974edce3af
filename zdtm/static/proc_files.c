// zdtm: {"category": "files", "except": {"info": "/proc numbers its files anew", "file": "/proc numbers its files anew", "fd 3": "the kernel forgets this name while it is open", "fd 4": "the kernel forgets this name while it is open", "fd 5": "the kernel forgets this name while it is open"}, "verifies": "files of /proc and /sys of all sorts are open again, read from where they were, and directories go on listing there"}
#include "tst.h"
#include <dirent.h>

static const char *const paths[] = {
    "/proc/self/net", "/proc/self/net/tcp", "/proc/self/net/stat", "/proc/sys/kernel/ostype", "/proc/meminfo", "/proc/uptime",
    "/proc/self/maps", "/proc/self/mountinfo", "/proc/self/environ", "/proc/self/task", "/proc/self/fdinfo", "/proc/sys/net",
    "/proc/self/oom_score_adj", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/class", "/sys/devices/system/cpu/online"};
enum { COUNT = sizeof(paths) / sizeof(paths[0]), PLACE = 7, TYPE = 3 };

static char links[COUNT][256];
static char text[1 << 16];

static void name(int fd, char *into) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  ssize_t length = tst_sys(readlink(path, into, 255));
  into[length] = 0;
  /* the kernel forgets the names of some of its directories while they are open */
  char *gone = strstr(into, " (deleted)");
  if (gone) *gone = 0;
}

int main(void) {
  tst_begin();
  int fds[COUNT];
  off_t places[COUNT];
  for (int i = 0; i < COUNT; i++) {
    fds[i] = open(paths[i], O_RDONLY);
    if (fds[i] < 0) continue;
    struct stat stat;
    tst_sys(fstat(fds[i], &stat));
    if (S_ISREG(stat.st_mode)) tst_check(read(fds[i], text, PLACE) > 0, "%s is empty", paths[i]);
    places[i] = lseek(fds[i], 0, SEEK_CUR);
    name(fds[i], links[i]);
  }
  int memory = tst_sys(open("/proc/self/mem", O_RDWR)), score = tst_sys(open("/proc/self/oom_score_adj", O_RDWR));
  tst_ready();
  TST_SPOIL tst_sys(lseek(fds[TYPE], 1, SEEK_SET));
  for (int i = 0; i < COUNT; i++) {
    if (fds[i] < 0) continue;
    char now[256];
    name(fds[i], now);
    tst_check(strcmp(now, links[i]) == 0, "%s leads to %s", links[i], now);
    struct stat stat;
    tst_sys(fstat(fds[i], &stat));
    if (S_ISDIR(stat.st_mode)) {
      tst_check(syscall(SYS_getdents64, fds[i], text, sizeof(text)) > 0, "%s lists nothing: %s", paths[i], strerror(errno));
      continue;
    }
    tst_check(lseek(fds[i], 0, SEEK_CUR) == places[i], "%s is at %ld", paths[i], (long)lseek(fds[i], 0, SEEK_CUR));
    tst_check(read(fds[i], text, sizeof(text)) >= 0, "%s cannot be read: %s", paths[i], strerror(errno));
  }
  static volatile int word = 5;
  int value = 6;
  tst_check(pwrite(memory, &value, sizeof(value), (off_t)(uintptr_t)&word) == sizeof(value) && word == 6,
            "the memory is another task's");
  tst_check(pwrite(score, "7", 1, 0) == 1, "the score cannot be set: %s", strerror(errno));
  char *now = tst_slurp("/proc/self/oom_score_adj", NULL);
  tst_check(atoi(now) == 7, "the score is another task's");
  tst_sys(lseek(fds[TYPE], 0, SEEK_SET));
  tst_check(read(fds[TYPE], text, 5) == 5 && memcmp(text, "Linux", 5) == 0, "the kernel is of another type");
  return tst_pass();
}
