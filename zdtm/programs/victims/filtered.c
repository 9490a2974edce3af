/* Under a seccomp filter: getppid is refused with an error of its own, all else passes. Its threads have it too. */
#include "wire.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static sem_t asked, told;
static int seen;

static int refusal(void) { return syscall(SYS_getppid) == -1 ? errno : 0; }

static void *second(void *unused) {
  (void)unused;
  for (;;) {
    while (sem_wait(&asked)) continue;
    seen = refusal();
    sem_post(&told);
  }
  return NULL;
}

int main(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
  pthread_t thread;
  wire_open();
  sem_init(&asked, 0, 0);
  sem_init(&told, 0, 0);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 1;
  if (pthread_create(&thread, NULL, second, NULL)) return 2;
  answer("ready");
  for (unsigned count = 1;; count++) {
    wire_next();
    sem_post(&asked);
    while (sem_wait(&told)) continue;
    answer("%u: %d %d", count, refusal(), seen);
  }
}
