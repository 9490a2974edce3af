// zdtm: {"category": "cgroup", "flavours": ["h"], "needs": ["root"], "cc": ["-pthread"], "opts": ["--manage-cgroups"], "verifies": "what controllers of v2 limit, whom a cgroup is handed to, and threads that share it out come back where v2 has the controllers"}
#include "cgroup_threads.h"

enum { OWNER = 1000 };

static const struct {
  const char *name, *value;
} limits[] = {
    {"memory.max", "67108864"},     {"memory.high", "50331648"}, {"memory.low", "4096"},
    {"memory.oom.group", "1"},      {"pids.max", "77"},          {"cpu.max", "50000 200000"},
    {"cpu.weight", "333"},          {"cpuset.cpus", "0"},        {"cgroup.max.depth", "3"},
    {"cgroup.max.descendants", "5"},
};

static const char *const handed[] = {"", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"};

static struct stat stat_of(const char *directory, const char *name) {
  char path[768];
  struct stat it;
  snprintf(path, sizeof(path), "%s/%s", directory, name);
  tst_sys(stat(path, &it));
  return it;
}

static void hand_over(const char *directory) {
  char path[768];
  for (unsigned i = 0; i < sizeof(handed) / sizeof(handed[0]); i++) {
    snprintf(path, sizeof(path), "%s/%s", directory, handed[i]);
    tst_sys(chown(path, OWNER, OWNER));
  }
}

static int asleep(void *unused) {
  (void)unused;
  tst_sleep();
}

int main(void) {
  char have[4096], who[64];
  tst_begin();
  cgroup_read(cgroup_mount(""), "cgroup.controllers", have);
  for (const char **one = (const char *[]){"cpuset", "cpu", "memory", "pids", NULL}; *one; one++)
    if (!strstr(have, *one)) tst_skip("v2 has no controller %s here", *one);
  cgroup_write(cgroup_mount(""), "cgroup.subtree_control", "+cpuset +cpu +memory +pids");

  char *web = cgroup_make("", NULL, "web"), *inner = cgroup_make("", web, "inner");
  for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) cgroup_write(web, limits[i].name, limits[i].value);
  cgroup_write(web, "cgroup.subtree_control", "+memory +pids");
  cgroup_write(inner, "pids.max", "7");
  hand_over(web);
  hand_over(inner);
  pid_t child = tst_child(asleep, NULL);
  cgroup_enter(inner, "cgroup.procs", child);

  char *all = cgroup_make("", NULL, "all"), *one = cgroup_make("", all, "one"), *two = cgroup_make("", all, "two");
  cgroup_write(one, "cgroup.type", "threaded");
  cgroup_write(two, "cgroup.type", "threaded");
  cgroup_write(all, "cgroup.subtree_control", "+cpu +pids");
  cgroup_write(one, "cpu.weight", "44");
  cgroup_write(two, "pids.max", "9");
  cgroup_enter(all, "cgroup.procs", getpid());
  cgroup_threads();
  cgroup_enter(one, "cgroup.threads", cgroup_tids[0]);
  cgroup_enter(two, "cgroup.threads", cgroup_tids[1]);
  tst_ready();
  TST_SPOIL cgroup_write(web, "memory.high", "40000000");

  for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) cgroup_check(web, limits[i].name, limits[i].value);
  cgroup_check(web, "cgroup.subtree_control", "memory pids");
  cgroup_check(inner, "pids.max", "7");
  for (unsigned i = 0; i < sizeof(handed) / sizeof(handed[0]); i++) {
    struct stat outer = stat_of(web, handed[i]), below = stat_of(inner, handed[i]);
    tst_check(outer.st_uid == OWNER && below.st_gid == OWNER, "%s was handed over, and is not", handed[i]);
  }
  tst_check(stat_of(web, "memory.max").st_uid == 0, "who was handed a cgroup may change what limits it");
  snprintf(who, sizeof(who), "%d", child);
  cgroup_at(who, "", "-web/inner");
  cgroup_check(all, "cgroup.type", "domain threaded");
  cgroup_check(one, "cgroup.type", "threaded");
  cgroup_check(all, "cgroup.subtree_control", "cpu pids");
  cgroup_check(one, "cpu.weight", "44");
  cgroup_check(two, "pids.max", "9");
  cgroup_at("self", "", "-all");
  snprintf(who, sizeof(who), "self/task/%d", cgroup_tids[0]);
  cgroup_at(who, "", "-all/one");
  snprintf(who, sizeof(who), "self/task/%d", cgroup_tids[1]);
  cgroup_at(who, "", "-all/two");
  return tst_pass();
}
