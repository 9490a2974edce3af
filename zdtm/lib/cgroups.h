/*
 * Cgroups of a case, made below the one that it was started in. They outlive it: each is noted, and the harness removes it once the
 * case has been dumped, and again at its end.
 */
#ifndef CGROUPS_H
#define CGROUPS_H
#include "tst.h"

#include <sys/stat.h>

/* The directory that a hierarchy ("freezer", "name=systemd", "" for v2) is mounted on, or the case is skipped. */
static inline const char *cgroup_mount(const char *hierarchy) {
  static char found[4][256];
  static int count;
  FILE *mounts = tst_sys(fopen("/proc/self/mounts", "re"));
  char line[2048], target[256], type[64], options[1024];
  char *at = found[count++ % 4];
  *at = 0;
  while (!*at && fgets(line, sizeof(line), mounts)) {
    if (sscanf(line, "%*s %255s %63s %1023s", target, type, options) != 3) continue;
    if (!*hierarchy ? strcmp(type, "cgroup2") : strcmp(type, "cgroup")) continue;
    bool is_it = !*hierarchy;
    for (char *word = strtok(options, ","); word && !is_it; word = strtok(NULL, ",")) is_it = !strcmp(word, hierarchy);
    if (is_it) strcpy(at, target);
  }
  fclose(mounts);
  if (!*at) tst_skip("the cgroup hierarchy %s is not mounted here", *hierarchy ? hierarchy : "v2");
  return at;
}

/* Where a task or thread is in a hierarchy: /proc/WHO/cgroup. */
static inline void cgroup_of(const char *who, const char *hierarchy, char into[512]) {
  char path[64], line[1024];
  snprintf(path, sizeof(path), "/proc/%s/cgroup", who);
  FILE *file = tst_sys(fopen(path, "re"));
  *into = 0;
  while (!*into && fgets(line, sizeof(line), file)) {
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':') + 1, *where = strchr(controllers, ':');
    *where++ = 0;
    bool is_it = !*controllers && !*hierarchy;
    for (char *word = strtok(controllers, ","); word && !is_it; word = strtok(NULL, ",")) is_it = !strcmp(word, hierarchy);
    if (is_it) snprintf(into, 512, "%s", where);
  }
  fclose(file);
  tst_check(*into, "there is no hierarchy %s", hierarchy);
}

static inline void cgroup_note(const char *path) {
  int fd = tst_sys(open(".objects", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  tst_check(dprintf(fd, "cgroup %s\n", path) > 0, "cannot note a cgroup");
  close(fd);
}

/* Makes a directory `name`, below `above` or, without one, below where the case is. Returns its path. */
static inline char *cgroup_make(const char *hierarchy, const char *above, const char *name) {
  char here[512], *path;
  if (above) {
    tst_sys(asprintf(&path, "%s/%s", above, name));
  } else {
    cgroup_of("self", hierarchy, here);
    tst_sys(asprintf(&path, "%s%s/zdtm-%d-%s", cgroup_mount(hierarchy), here[1] ? here : "", getpid(), name));
  }
  if (mkdir(path, 0755) < 0) tst_skip("no cgroup can be made at %s: %s", path, strerror(errno));
  cgroup_note(path);
  return path;
}

static inline void cgroup_write(const char *directory, const char *file, const char *text) {
  char path[768];
  snprintf(path, sizeof(path), "%s/%s", directory, file);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) tst_die("cannot write %s to %s", text, path);
  close(fd);
}

/* Without the newline at its end; empty where there is none. */
static inline void cgroup_read(const char *directory, const char *file, char into[4096]) {
  char path[768];
  snprintf(path, sizeof(path), "%s/%s", directory, file);
  ssize_t size = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) size = read(fd, into, 4095);
  into[size < 0 ? 0 : size] = 0;
  if (fd >= 0) close(fd);
  size_t end = strlen(into);
  while (end && into[end - 1] == '\n') into[--end] = 0;
}

/* Puts a task (cgroup.procs) or a thread into it. */
static inline void cgroup_enter(const char *directory, const char *file, int id) {
  char number[16];
  snprintf(number, sizeof(number), "%d", id);
  cgroup_write(directory, file, number);
}

static inline void cgroup_check(const char *directory, const char *file, const char *want) {
  char is[4096];
  cgroup_read(directory, file, is);
  tst_check(!strcmp(is, want), "%s of %s is %s, not %s", file, directory, is, want);
}

/* Checks that the path of who ends so. */
static inline void cgroup_at(const char *who, const char *hierarchy, const char *end) {
  char is[512];
  cgroup_of(who, hierarchy, is);
  size_t length = strlen(is), tail = strlen(end);
  tst_check(length >= tail && !strcmp(is + length - tail, end), "%s is in %s, not in ...%s", who, is, end);
}
#endif
