/* Fills its ipc namespace, and when it is asked (SIGUSR1) says whether all of it is still so. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

enum { PAGE = 4096, ATTACHED = 3 * PAGE + 100, DETACHED = 40 * PAGE };

struct message {
  long type;
  char text[300];
};

static int attached, detached, removed, queue, narrow, set;
static char *here, *gone;

static void say(const char *what) {
  printf("%s\n", what);
  fflush(stdout);
}

static void check(bool is, const char *what) {
  if (is) return;
  printf("wrong: %s (%s)\n", what, strerror(errno));
  fflush(stdout);
  exit(1);
}

static void limit(const char *name, const char *value, bool put) {
  char path[64], now[64] = {0};
  snprintf(path, sizeof(path), "/proc/sys/%s", name);
  FILE *file = fopen(path, put ? "w" : "r");
  check(file != NULL, path);
  if (put) fputs(value, file);
  else check(fgets(now, sizeof(now), file) && strncmp(now, value, strlen(value)) == 0, path);
  fclose(file);
}

static const char *const limits[][2] = {{"kernel/msgmax", "9999"},      {"kernel/sem", "111\t2222\t33\t44"},
                                        {"kernel/shmmax", "123456789"}, {"fs/mqueue/msg_max", "17"},
                                        {"kernel/shmmni", "4000"}};

static void every_limit(bool put) {
  for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) limit(limits[i][0], limits[i][1], put);
}

static void fill(void) {
  /* older ones that go, so that ids are not what the kernel gives first */
  for (int i = 0; i < 3; i++) {
    shmctl(shmget(IPC_PRIVATE, PAGE, IPC_CREAT), IPC_RMID, NULL);
    msgctl(msgget(IPC_PRIVATE, IPC_CREAT), IPC_RMID, NULL);
    semctl(semget(IPC_PRIVATE, 1, IPC_CREAT), 0, IPC_RMID);
  }
  attached = shmget(0x100, ATTACHED, IPC_CREAT | 0640);
  detached = shmget(0x101, DETACHED, IPC_CREAT | 0600);
  removed = shmget(0x102, PAGE, IPC_CREAT | 0600);
  here = shmat(attached, NULL, 0);
  gone = shmat(removed, NULL, 0);
  check(here != (void *)-1 && gone != (void *)-1, "attach");
  strcpy(here + ATTACHED - 20, "attached");
  strcpy(gone, "removed");
  shmctl(removed, IPC_RMID, NULL);
  char *other = shmat(detached, NULL, 0);
  strcpy(other + 30 * PAGE, "detached");
  shmdt(other);
  struct shmid_ds owner = {.shm_perm = {.uid = 7, .gid = 8, .mode = 0604}};
  check(shmctl(detached, IPC_SET, &owner) == 0, "owner");
  queue = msgget(0x200, IPC_CREAT | 0600);
  narrow = msgget(IPC_PRIVATE, IPC_CREAT | 0622);
  for (int i = 0; i < 20; i++) {
    struct message message = {.type = 1 + i % 3};
    memset(message.text, 'a' + i, sizeof(message.text));
    check(msgsnd(queue, &message, (size_t)(i * 15), 0) == 0, "send");
  }
  struct msqid_ds room = {.msg_perm = {.mode = 0622}, .msg_qbytes = 100};
  check(msgctl(narrow, IPC_SET, &room) == 0, "room");
  mq_close(mq_open("/forgotten", O_RDWR | O_CREAT, 0600, NULL));
  set = semget(0x300, 5, IPC_CREAT | 0600);
  unsigned short values[] = {0, 5, 32767, 1, 77};
  check(semctl(set, 0, SETALL, values) == 0, "values");
}

static void verify(void) {
  every_limit(false);
  struct shmid_ds segment;
  check(shmget(0x100, 0, 0) == attached && shmget(0x101, 0, 0) == detached, "keys of segments");
  check(strcmp(here + ATTACHED - 20, "attached") == 0 && strcmp(gone, "removed") == 0, "what is attached");
  check(shmctl(attached, IPC_STAT, &segment) == 0 && segment.shm_segsz == ATTACHED && segment.shm_nattch == 1, "attached");
  check(shmctl(removed, IPC_STAT, &segment) == 0 && (segment.shm_perm.mode & SHM_DEST) && segment.shm_nattch == 1, "removed");
  check(shmctl(detached, IPC_STAT, &segment) == 0 && segment.shm_perm.uid == 7 && segment.shm_perm.gid == 8 &&
            (segment.shm_perm.mode & 0777) == 0604 && segment.shm_nattch == 0,
        "owner of the detached one");
  char *other = shmat(detached, NULL, SHM_RDONLY);
  check(strcmp(other + 30 * PAGE, "detached") == 0 && other[0] == 0, "what is detached");
  shmdt(other);
  struct msqid_ds state;
  check(msgget(0x200, 0) == queue && msgctl(queue, IPC_STAT, &state) == 0 && state.msg_qnum == 20, "queue");
  check(msgctl(narrow, IPC_STAT, &state) == 0 && state.msg_qbytes == 100 && state.msg_qnum == 0, "narrow queue");
  check(semget(0x300, 5, 0) == set, "key of semaphores");
  unsigned short values[5], wanted[] = {0, 5, 32767, 1, 77};
  check(semctl(set, 0, GETALL, values) == 0 && memcmp(values, wanted, sizeof(values)) == 0, "values");
}

static void use_up(void) {
  for (int i = 0; i < 20; i++) {
    struct message message;
    ssize_t got = msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT);
    check(got == i * 15 && message.type == 1 + i % 3 && (got == 0 || message.text[got - 1] == 'a' + i), "message");
  }
  shmdt(gone);
  check(shmctl(removed, IPC_STAT, &(struct shmid_ds){0}) < 0, "removed one stays");
}

int main(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGUSR2);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  every_limit(true);
  fill();
  verify();
  say("ready");
  for (int turn = 1;; turn++) {
    int signal = 0;
    sigwait(&signals, &signal);
    verify();
    if (signal == SIGUSR2) use_up();
    printf("fine %d\n", turn);
    fflush(stdout);
  }
}
