/*
 * Uses kernel objects without a pause, and checks that each still holds what it has to: a System V segment, a ring of
 * asynchronous I/O, a POSIX message queue, a memfd and a BPF map. None of them outlives it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORDS = 4096, AHEAD = 5 };
volatile uint64_t counters[1];

static void wrong(const char *what, uint64_t got, uint64_t wanted) {
  fprintf(stderr, "WRONG %s: %llu, not %llu (%s)\n", what, (unsigned long long)got, (unsigned long long)wanted, strerror(errno));
  exit(1);
}

static void same(const char *what, uint64_t got, uint64_t wanted) {
  if (got != wanted) wrong(what, got, wanted);
}

static long bpf(int command, union bpf_attr *attr) { return syscall(SYS_bpf, command, attr, sizeof(*attr)); }

static void post(aio_context_t ring, int fd, uint64_t n) {
  struct iocb request = {.aio_data = n, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (unsigned)fd,
                         .aio_buf = (uintptr_t)&n, .aio_nbytes = sizeof(n), .aio_offset = (long long)(n % 64 * 8)};
  struct iocb *list[] = {&request};
  same("a request", (uint64_t)syscall(SYS_io_submit, ring, 1, list), 1);
}

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  int id = shmget(IPC_PRIVATE, WORDS * 8, IPC_CREAT | 0600);
  volatile uint64_t *segment = shmat(id, NULL, 0);
  shmctl(id, IPC_RMID, NULL);
  int file = memfd_create("file", 0);
  aio_context_t ring = 0;
  if (segment == (void *)-1 || file < 0 || syscall(SYS_io_setup, 8, &ring) < 0) return perror("objects"), 1;
  char name[64];
  snprintf(name, sizeof(name), "/objects-%d", getpid());
  struct mq_attr size = {.mq_maxmsg = 4, .mq_msgsize = 8};
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &size);
  mq_unlink(name);
  if (queue < 0) return perror("queue"), 1;
  union bpf_attr made = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 16};
  int map = (int)bpf(BPF_MAP_CREATE, &made);
  for (uint64_t n = 0; n < AHEAD; n++) post(ring, file, n);
  FILE *ready = fopen(argv[1], "w");
  fprintf(ready, "%lx 1\n", (unsigned long)counters);
  fclose(ready);
  for (uint64_t n = 0;; n++) {
    volatile uint64_t *word = &segment[n % WORDS];
    if (n >= WORDS) same("the segment", *word, n - WORDS);
    *word = n;
    struct io_event event;
    same("answers", (uint64_t)syscall(SYS_io_getevents, ring, 1, 1, &event, NULL), 1);
    same("an answer", event.data, n);
    same("its bytes", (uint64_t)event.res, 8);
    post(ring, file, n + AHEAD);
    uint64_t got = 0;
    if (pread(file, &got, 8, (off_t)((n + AHEAD) % 64 * 8)) != 8) wrong("a read", 0, 8);
    same("the memfd", got, n + AHEAD);
    /* it stays empty: one without a name that holds something cannot be kept */
    struct mq_attr now;
    if (mq_getattr(queue, &now) < 0) wrong("the queue", 0, 0);
    same("the queue", (uint64_t)now.mq_maxmsg, 4);
    uint32_t key = (uint32_t)(n % 16);
    union bpf_attr at = {.map_fd = (unsigned)map, .key = (uintptr_t)&key, .value = (uintptr_t)&got};
    if (map >= 0 && n >= 16) {
      if (bpf(BPF_MAP_LOOKUP_ELEM, &at) < 0) wrong("a look into the map", 0, 0);
      same("the map", got, n - 16);
    }
    got = n;
    if (map >= 0 && bpf(BPF_MAP_UPDATE_ELEM, &at) < 0) wrong("the map takes nothing", 0, 0);
    counters[0]++;
  }
}
