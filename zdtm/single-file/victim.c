/*
 * The victim of the machines that hold nothing: static, in the directory DIR alone. It holds what a task can hold, looks at it
 * all the time, and writes to DIR/verdict what is not as it was; `ok` when it was asked to end (DIR/end) and nothing was.
 *
 *     DIR/count     numbers, see enum: how far each part has come
 *     DIR/rough     while it is there, interrupted system calls may say EINTR: tscriu was killed
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "registers.h"

enum { COUNT, PLAIN, WIDE, TICKS, CHILD, FRAME, WAITS, SLEEPERS = WAITS + 4, WORDS = 16 };
enum { SECONDS = 2, VALUE = 0x5ca1ab1e };

static volatile unsigned long *words;
static volatile int verdict, end;
static int log_fd;
static __thread long own;
static struct spin plain, wide, framed;

static int bad(const char *what, long is)
{
	char line[200];
	int length = snprintf(line, sizeof(line), "%s (%ld, errno %d)\n", what, is, errno);

	verdict = 1;
	return write(log_fd, line, length) == length ? 0 : 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void unblock(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(SIG_UNBLOCK, &set, 0);
}

static void *compute(void *arg)
{
	struct spin *s = arg;

	own = (long)s;
	/* of the thread alone: the others come first */
	nice(19);
	if (s == &plain)
		unblock(SIGALRM);
	if (spin(s))
		bad(s->wide ? "a wide register has changed" : "a register has changed", s->rounds);
	if (own != (long)s)
		bad("thread-local memory has changed", own);
	return 0;
}

/* A handler that does not end: its frame holds the registers of what it interrupted */
static void enter(int signo)
{
	(void)signo;
	while (!framed.stop)
		words[FRAME]++;
}

static void *interrupted(void *arg)
{
	static char room[65536];
	stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };

	sigaltstack(&stack, 0);
	unblock(SIGUSR1);
	return compute(arg);
}

/* Waits that end by time alone: none may be disturbed, none may end early */
static long wait_once(long which)
{
	struct timespec t = { .tv_sec = SECONDS };
	static int pipe_fd[2];
	int word = 7;

	switch (which) {
	case 0:
		return nanosleep(&t, 0);
	case 1:
		return syscall(SYS_futex, &word, FUTEX_WAIT, 7, &t, 0, 0) < 0 && errno == ETIMEDOUT ? 0 : -1;
	case 2:
		return poll(0, 0, SECONDS * 1000);
	}
	if (!pipe_fd[1] && pipe(pipe_fd))
		return -1;
	fd_set set;
	struct timeval tv = { .tv_sec = SECONDS };

	FD_ZERO(&set);
	FD_SET(pipe_fd[0], &set);
	return select(pipe_fd[0] + 1, &set, 0, 0, &tv);
}

static void *sleeper(void *arg)
{
	long which = (long)arg;

	while (!end) {
		int rough = !access("rough", F_OK);
		double before = now();
		long r = wait_once(which);

		rough |= !access("rough", F_OK);
		if (r && !(rough && errno == EINTR))
			bad("a wait was disturbed", which);
		/* how long it had waited when it was dumped is not known to the last microsecond */
		if (!r && now() - before < SECONDS - 0.01)
			bad("a wait was cut short", which);
		words[WAITS + which]++;
	}
	return 0;
}

/* Reads from a pipe that stays empty until the end */
static void *reader(void *arg)
{
	int *fd = arg;
	char byte = 0;
	long r;

	do
		r = read(fd[0], &byte, 1);
	while (r < 0 && errno == EINTR && !access("rough", F_OK));
	if (r != 1 || byte != 'x')
		bad("a read was disturbed", r);
	return 0;
}

static void tick(int signo)
{
	(void)signo;
	words[TICKS]++;
}

static void child(pid_t parent)
{
	while (getppid() == parent) {
		words[CHILD]++;
		usleep(1000);
	}
	_exit(1);
}

static void expect(const char *what, long is, long wanted)
{
	if (is != wanted)
		bad(what, is);
}

/* Mappings with PROT_BTI that hold no file and are not the kernel's */
static int count_guarded(void)
{
	char line[400];
	int found = 0, own = 0;
	FILE *smaps = fopen("/proc/self/smaps", "re");

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (strstr(line, " 00:00 0 "))
			own = !strchr(line, '[');
		else if (own && !strncmp(line, "VmFlags:", 8))
			found += strstr(line, " bt") != 0;
		else if (strchr(line, '/') && strchr(line, '-'))
			own = 0;
	}
	if (smaps)
		fclose(smaps);
	return found;
}

static void queue_signal(void)
{
	union sigval value = { .sival_int = VALUE };

	sigqueue(getpid(), SIGRTMIN + 1, value);
}

static void check_signal(sigset_t *blocked)
{
	siginfo_t info = { 0 };
	struct timespec none = { 0 };

	expect("the pending signal is lost", sigtimedwait(blocked, &info, &none), SIGRTMIN + 1);
	expect("the pending signal has another value", info.si_value.sival_int, VALUE);
}

int main(int argc, char **argv)
{
	int fds[2];
	pthread_t threads[8];
	sigset_t blocked, now_blocked;
	unsigned long count = 0;

	if (argc != 2 || chdir(argv[1]))
		return 2;
	wide.wide = has_wide();
	printf("  wide registers: %s\n", wide.wide ? "yes" : "no");
	fflush(stdout);
	for (int fd = 0; fd < 256; fd++)
		close(fd);
	log_fd = open("verdict", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	int file = open("count", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int serial = open("serial", O_RDWR | O_CREAT | O_TRUNC, 0644);

	words = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (file < 0 || words == MAP_FAILED || pipe(fds))
		return 3;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGRTMIN + 1);
	sigaddset(&blocked, SIGALRM);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, 0);
	int guarded = map_guarded();
	pid_t self = getpid(), pid = fork();

	if (!pid)
		child(self);
	for (unsigned i = 0; i < sizeof(plain.pattern); i++)
		plain.pattern[i] = wide.pattern[i] = framed.pattern[i] = i * 7 + i / 32 + 1;
	pthread_create(&threads[0], 0, compute, &plain);
	pthread_create(&threads[1], 0, compute, &wide);
	pthread_create(&threads[2], 0, interrupted, &framed);
	for (long i = 0; i < 4; i++)
		pthread_create(&threads[3 + i], 0, sleeper, (void *)i);
	pthread_create(&threads[7], 0, reader, fds);

	/* one thread is interrupted in the middle of its computation and stays in the handler */
	struct sigaction act = { .sa_handler = enter, .sa_flags = SA_ONSTACK };

	sigaction(SIGUSR1, &act, 0);
	act = (struct sigaction){ .sa_handler = tick, .sa_flags = SA_RESTART };
	sigaction(SIGALRM, &act, 0);
	while (!framed.rounds)
		usleep(1000);
	pthread_kill(threads[2], SIGUSR1);
	own = VALUE;
	queue_signal();

	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct itimerspec every = { .it_interval.tv_nsec = 20000000, .it_value.tv_nsec = 20000000 };

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &every, 0))
		return 4;
	while (access("end", F_OK)) {
		words[COUNT] = ++count;
		words[PLAIN] = plain.rounds;
		words[WIDE] = wide.rounds;
		if (pwrite(file, (void *)words, WORDS * sizeof(*words), 0) != WORDS * sizeof(*words))
			return 5;
		if (write(serial, &count, sizeof(count)) != sizeof(count))
			return 6;
		usleep(5000);
	}
	end = plain.stop = wide.stop = framed.stop = 1;
	expect("writing to the pipe", write(fds[1], "x", 1), 1);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], 0);
	expect("thread-local memory has changed", own, VALUE);
	expect("the position of a file has changed", lseek(serial, 0, SEEK_CUR), count * sizeof(count));
	unsigned long last = 0;

	pread(serial, &last, sizeof(last), (count - 1) * sizeof(last));
	expect("the content of a file has changed", last, count);
	expect("memory is not guarded as it was", count_guarded(), guarded);
	sigprocmask(SIG_BLOCK, 0, &now_blocked);
	expect("the signal mask has changed", memcmp(&blocked, &now_blocked, sizeof(unsigned long)), 0);
	sigdelset(&blocked, SIGALRM);
	check_signal(&blocked);
	int status = 0;

	kill(pid, SIGTERM);
	expect("the child cannot be waited for", waitpid(pid, &status, 0), pid);
	expect("the child ended otherwise", WTERMSIG(status), SIGTERM);
	if (verdict || write(log_fd, "ok\n", 3) != 3)
		return 7;
	return 0;
}
