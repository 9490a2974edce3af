/*
 * What lives in a container that is made by hand. Static: its root has no libraries.
 *
 *   container launch PIDFILE user|root PROGRAM...   namespaces of every kind, and in them PROGRAM as the init, whose pid goes into PIDFILE
 *   container live                                  that init, once it is at home: counts, and has two children that talk to each other
 *
 * The children are a server in the init's network, and a client in one of its own; what is between them others make, and say so by
 * the file /go. The init writes into /report: how often it counted, how often the children talked, and the first thing that was wrong.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEY 0x7357
#define PORT 7000
#define PAUSE 2000

struct shared {
	long count, talked;
	char wrong[200];
};

static struct shared *shared;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* ---- outside ---- */

static void map(pid_t pid, const char *file, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	put(path, text);
}

/* A user namespace needs somebody outside to say who is who in it. */
static void enter_user(void)
{
	int left[2], mapped[2];
	char byte;

	if (pipe(left) || pipe(mapped))
		die("pipe");
	pid_t self = getpid(), helper = fork();

	if (helper == 0) {
		if (read(left[0], &byte, 1) != 1)
			_exit(1);
		map(self, "uid_map", "0 100000 65536");
		map(self, "gid_map", "0 100000 65536");
		_exit(write(mapped[1], "m", 1) != 1);
	}
	if (unshare(CLONE_NEWUSER) || write(left[1], "l", 1) != 1 || read(mapped[0], &byte, 1) != 1)
		die("user namespace");
	waitpid(helper, NULL, 0);
	if (setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0))
		die("root of the user namespace");
	prctl(PR_SET_DUMPABLE, 1);
	for (int i = 0; i < 2; i++) {
		close(left[i]);
		close(mapped[i]);
	}
}

static int launch(char **argv)
{
	int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWTIME;
	int out = open(argv[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	pid_t pid;

	if (out < 0)
		die(argv[0]);
	if (!strcmp(argv[1], "user"))
		enter_user();
	if (unshare(kinds))
		die("unshare");
	put("/proc/self/timens_offsets", "monotonic 5000 0\nboottime 7000 0\n");
	pid = fork();
	if (pid == 0) {
		setsid();
		execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	dprintf(out, "%d\n", pid);
	return pid < 0;
}

/* ---- inside ---- */

static void wrong(const char *what)
{
	if (!shared->wrong[0])
		snprintf(shared->wrong, sizeof(shared->wrong), "%s (errno %d)", what, errno);
}

static struct sockaddr_in address(const char *ip)
{
	struct sockaddr_in it = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	inet_pton(AF_INET, ip, &it.sin_addr);
	return it;
}

static void await_go(void)
{
	while (access("/go", F_OK))
		usleep(PAUSE);
}

/* Sends back what comes, to everybody who comes. */
static void serve(void)
{
	struct sockaddr_in any = address("0.0.0.0");
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), clients[8], count = 0;
	char bytes[64];

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&any, sizeof(any)) || listen(listener, 8) || fcntl(listener, F_SETFL, O_NONBLOCK))
		wrong("the server cannot listen");
	for (;;) {
		int fd = count < 8 ? accept4(listener, NULL, NULL, SOCK_NONBLOCK) : -1;

		if (fd >= 0)
			clients[count++] = fd;
		for (int i = 0; i < count; i++) {
			ssize_t got = recv(clients[i], bytes, sizeof(bytes), 0);

			if (got > 0 && send(clients[i], bytes, got, MSG_NOSIGNAL) != got)
				wrong("the server cannot answer");
			if (got == 0 || (got < 0 && errno != EAGAIN)) {
				close(clients[i]);
				clients[i--] = clients[--count];
			}
		}
		usleep(PAUSE);
	}
}

static void talk(void)
{
	struct sockaddr_in server = address("10.77.0.1");
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	while (connect(fd, (struct sockaddr *)&server, sizeof(server)))
		usleep(PAUSE);
	for (long i = 0;; i++) {
		long back = -1;

		if (send(fd, &i, sizeof(i), MSG_NOSIGNAL) != sizeof(i))
			wrong("the client cannot send");
		if (recv(fd, &back, sizeof(back), MSG_WAITALL) != sizeof(back) || back != i) {
			wrong("the client is answered wrongly");
			pause();
		}
		shared->talked++;
		usleep(PAUSE);
	}
}

static double now(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}

static void report(int fd)
{
	char text[400];
	int size = snprintf(text, sizeof(text), "%ld %ld %s\n", shared->count, shared->talked, shared->wrong);

	if (pwrite(fd, text, size, 0) != size || ftruncate(fd, size))
		wrong("the report cannot be written");
}

static void live(void)
{
	char host[65], text[64];
	int segment = shmget(KEY, sizeof(*shared), IPC_CREAT | 0600), mark = 0;
	int log = open("/log", O_RDWR | O_CREAT | O_APPEND, 0644), ghost = open("/ghost", O_RDWR | O_CREAT, 0600);
	int out = open("/report", O_WRONLY | O_CREAT, 0644), memory = open("/memory", O_RDWR | O_CREAT, 0600);
	long *mapped, size = 0;
	double last[2] = { 0 };

	shared = shmat(segment, NULL, 0);
	if (segment < 0 || shared == (void *)-1 || log < 0 || ghost < 0 || out < 0)
		die("files");
	if (ftruncate(memory, 4096) || write(ghost, "deleted", 7) != 7 || unlink("/ghost") || chdir("/tmp"))
		die("files");
	mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (mapped == MAP_FAILED)
		die("mmap");
	signal(SIGCHLD, SIG_DFL);
	for (int i = 0; i < 2; i++) {
		if (fork())
			continue;
		prctl(PR_SET_NAME, i ? "client" : "server");
		if (i && unshare(CLONE_NEWNET))
			wrong("the client has no network");
		mapped[1 + i] = getpid();
		await_go();
		i ? talk() : serve();
	}
	while (!mapped[1] || !mapped[2])
		usleep(PAUSE);
	report(out);
	await_go();
	for (;; usleep(PAUSE)) {
		const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME };

		mapped[0] = ++shared->count;
		for (int i = 0; i < 2; i++) {
			double at = now(clocks[i]);

			if (at < 5000 || at < last[i])
				wrong("a clock went back");
			last[i] = at;
		}
		if (gethostname(host, sizeof(host)) || strcmp(host, "container"))
			wrong("it has another name");
		if (getpid() != 1 || getuid() != 0 || shmget(KEY, 0, 0) != segment)
			wrong("it is another one");
		if (pread(ghost, text, 7, 0) != 7 || memcmp(text, "deleted", 7))
			wrong("its deleted file is another one");
		if (pread(memory, &size, sizeof(size), 0) != sizeof(size) || size != shared->count)
			wrong("its mapped file is another one");
		if (shared->count % 50 == 0 && (write(log, ".\n", 2) != 2 || lseek(log, 0, SEEK_END) != 2 * ++mark))
			wrong("its log is another one");
		if (waitpid(-1, NULL, WNOHANG) != 0)
			wrong("a child has ended");
		report(out);
	}
}

int main(int argc, char **argv)
{
	if (argc > 4 && !strcmp(argv[1], "launch"))
		return launch(argv + 2);
	live();
	return 1;
}
