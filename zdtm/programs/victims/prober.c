/* Has a uprobe at an offset of a file while it runs, and says at each SIGUSR1 how often it was hit. */
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST = 256 };

int main(int argc, char **argv) {
  int type, number, fds[MOST], cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
  FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "r");
  if (argc < 3 || !file || fscanf(file, "%d", &type) != 1) return puts("missing: the kernel knows no uprobes"), 1;
  struct perf_event_attr event = {.type = (uint32_t)type, .size = sizeof(event)};
  event.uprobe_path = (uintptr_t)argv[1];
  event.probe_offset = strtoul(argv[2], NULL, 0);
  if (cpus > MOST) cpus = MOST;
  for (int i = 0; i < cpus; i++) {
    fds[i] = (int)syscall(SYS_perf_event_open, &event, -1, i, -1, 0);
    if (fds[i] < 0) return printf("missing: no uprobe: %m\n"), 1;
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (int turn = 0;; turn++) {
    uint64_t hits = 0, of = 0;
    for (int i = 0; i < cpus; i++)
      if (read(fds[i], &of, sizeof(of)) == sizeof(of)) hits += of;
    printf("turn %d hits %lu\n", turn, (unsigned long)hits);
    fflush(stdout);
    sigwait(&set, &number);
  }
}
