#include "tst.h"

#include <linux/futex.h>
#include <setjmp.h>

static struct {
  char directory[PATH_MAX];
  volatile sig_atomic_t go;
} tst;

static void on_go(int signal_number) {
  (void)signal_number;
  tst.go = 1;
}

void tst_begin(void) {
  if (!getcwd(tst.directory, sizeof(tst.directory))) tst_die("getcwd");
  struct sigaction action = {.sa_handler = on_go};
  tst_sys(sigaction(SIGTERM, &action, NULL));
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  tst_sys(sigprocmask(SIG_BLOCK, &blocked, NULL));
}

/* Written under another name and linked, so that whoever sees the name sees the whole text. */
static bool leave(const char *name, const char *text) {
  char path[PATH_MAX + 64], fresh[PATH_MAX + 64];
  snprintf(path, sizeof(path), "%s/%s", tst.directory, name);
  snprintf(fresh, sizeof(fresh), "%s/.%s.%ld", tst.directory, name, syscall(SYS_gettid));
  int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  close(fd);
  bool linked = written && (link(fresh, path) == 0 || errno == EEXIST);
  unlink(fresh);
  return linked;
}

void tst_mark_ready(void) {
  char text[32];
  snprintf(text, sizeof(text), "%d\n", getpid());
  if (!leave("ready", text)) tst_die("cannot say that the case is ready");
}

void tst_wait(void) {
  sigset_t open_for_go;
  tst_sys(sigprocmask(SIG_BLOCK, NULL, &open_for_go));
  sigdelset(&open_for_go, SIGTERM);
  while (!tst.go) sigsuspend(&open_for_go);
}

void tst_ready(void) {
  tst_mark_ready();
  tst_wait();
}

bool tst_going(void) {
  sigset_t pending;
  if (tst.go) return false;
  return sigpending(&pending) == 0 && !sigismember(&pending, SIGTERM);
}

bool tst_spoiling(void) { return getenv("ZDTM_SPOIL") != NULL; }

bool tst_ends(void) { return getenv("ZDTM_ENDS") != NULL; }

int tst_pass(void) {
  if (!leave("verdict", "PASS\n")) return 1;
  return 0;
}

void tst_verdict(const char *kind, int error, const char *file, int line, const char *format, ...) {
  char text[2048], said[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(said, sizeof(said), format, arguments);
  va_end(arguments);
  const char *slash = strrchr(file, '/');
  snprintf(text, sizeof(text), "%s %s%s%s (%s:%d, pid %d)\n", kind, said, error ? ": " : "",
           error ? strerror(error) : "", slash ? slash + 1 : file, line, getpid());
  fputs(text, stderr);
  if (!leave("verdict", text)) fprintf(stderr, "cannot write the verdict: %s\n", strerror(errno));
  _exit(kind[0] == 'F');
}

void tst_nap(void) {
  struct timespec moment = {0, 1000000};
  nanosleep(&moment, NULL);
}

size_t tst_page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

void *tst_private(size_t bytes) {
  return tst_sys(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

void *tst_shared(size_t bytes) {
  return tst_sys(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

tst_step *tst_new_step(void) { return tst_shared(tst_page()); }

void tst_set(tst_step *step, int value) {
  __atomic_store_n(&step->value, value, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &step->value, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void tst_raise(tst_step *step) {
  __atomic_add_fetch(&step->value, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &step->value, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void tst_await(tst_step *step, int value) {
  int now;
  while ((now = __atomic_load_n(&step->value, __ATOMIC_SEQ_CST)) < value)
    syscall(SYS_futex, &step->value, FUTEX_WAIT, now, NULL, NULL, 0);
}

static uint32_t next(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 16 | 1;
}

void tst_fill(void *memory, size_t bytes, uint32_t seed) {
  for (size_t i = 0; i < bytes; i++) ((uint8_t *)memory)[i] = (uint8_t)next(&seed);
}

long tst_differs(const void *memory, size_t bytes, uint32_t seed) {
  for (size_t i = 0; i < bytes; i++)
    if (((const uint8_t *)memory)[i] != (uint8_t)next(&seed)) return (long)i;
  return -1;
}

pid_t tst_child(int (*run)(void *), void *argument) {
  pid_t pid = tst_sys(fork());
  if (pid == 0) _exit(run(argument));
  return pid;
}

void tst_sleep(void) {
  for (;;) pause();
}

int tst_reap(pid_t pid) {
  int status;
  pid_t got;
  do got = waitpid(pid, &status, __WALL);
  while (got < 0 && errno == EINTR);
  if (got != pid) tst_die("waitpid(%d)", pid);
  return status;
}

void tst_end(pid_t pid) {
  if (kill(pid, SIGKILL)) tst_die("child %d cannot be killed", pid);
  int status = tst_reap(pid);
  tst_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "child %d ended by itself, status 0x%x", pid, status);
}

char *tst_slurp(const char *path, size_t *length) {
  size_t have = 0, room = 8192;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  char *text = malloc(room);
  for (ssize_t got; text && (got = read(fd, text + have, room - have - 1)) > 0;) {
    have += (size_t)got;
    if (room - have < 4096) text = realloc(text, room *= 2);
  }
  close(fd);
  if (!text) tst_die("no memory for %s", path);
  text[have] = 0;
  if (length) *length = have;
  return text;
}

char tst_state(pid_t pid) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  char *text = tst_slurp(path, NULL);
  char *end = text ? strrchr(text, ')') : NULL;
  char state = end ? end[2] : 0;
  free(text);
  return state;
}

long tst_status(pid_t pid, const char *key, int base) {
  char path[64], label[64];
  snprintf(path, sizeof(path), "/proc/%d/status", pid);
  int width = snprintf(label, sizeof(label), "\n%s:", key);
  char *text = tst_slurp(path, NULL);
  char *at = text ? strstr(text, label) : NULL;
  long value = at ? (long)strtoul(at + width, NULL, base) : -1;
  free(text);
  return value;
}

bool tst_vmflag(const void *address, const char *flag) {
  bool inside = false, found = false;
  char *text = tst_slurp("/proc/self/smaps", NULL), *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line && !found; line = strtok_r(NULL, "\n", &rest)) {
    unsigned long start, end;
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2) inside = (uintptr_t)address >= start && (uintptr_t)address < end;
    if (!inside || strncmp(line, "VmFlags:", 8)) continue;
    char wanted[8];
    snprintf(wanted, sizeof(wanted), " %s", flag);
    found = strstr(line + 8, wanted) != NULL;
    break;
  }
  free(text);
  return found;
}

uint64_t tst_pagemap(const void *address) {
  uint64_t entry;
  int fd = tst_sys(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)address / tst_page() * sizeof(entry))) != sizeof(entry))
    tst_die("pagemap of %p", address);
  close(fd);
  return entry;
}

bool tst_mapped(const void *start, size_t bytes, const char *permissions) {
  char wanted[64];
  snprintf(wanted, sizeof(wanted), "%lx-%lx %s ", (unsigned long)start, (unsigned long)start + bytes, permissions);
  char *text = tst_slurp("/proc/self/maps", NULL);
  char *at = strstr(text, wanted);
  bool found = at && (at == text || at[-1] == '\n');
  free(text);
  return found;
}

static __thread sigjmp_buf fault_exit;

static void on_fault(int signal_number) { siglongjmp(fault_exit, signal_number); }

int tst_faults(void *address, bool write) {
  struct sigaction action = {.sa_handler = on_fault}, segv, bus;
  sigaction(SIGSEGV, &action, &segv);
  sigaction(SIGBUS, &action, &bus);
  int hit = sigsetjmp(fault_exit, 1);
  if (hit == 0) {
    volatile uint8_t *at = address;
    if (!write) (void)*at;
    else *at = 0x5a;
  }
  sigaction(SIGSEGV, &segv, NULL);
  sigaction(SIGBUS, &bus, NULL);
  return hit;
}
