/*
 * What the bench dumps. `victim READY KIND COUNT [DIRECTORY]` writes its pid to READY once it is what it shall be:
 *
 *     memory BYTES DIRECTORY   holds random bytes; SIGUSR1: writes them to DIRECTORY/plain by one plain write and the
 *                              nanoseconds that it took to DIRECTORY/write; SIGUSR2: reads that file into fresh memory, and the
 *                              nanoseconds to DIRECTORY/read
 *     children COUNT           so many sleeping children
 *     threads COUNT            so many threads in all
 *     vmas COUNT               so many mappings more than a program has
 *     sockets COUNT            so many unix sockets: pairs, and datagram sockets with abstract names, with something to read
 *     connections COUNT        so many TCP connections, both ends of them, with something to read at each
 *     datagrams COUNT          so many UDP sockets, each with a datagram to read
 *     descriptors COUNT        so many descriptors: files, pipes, event counters and unix sockets
 *     mounts COUNT             a mount namespace with so many mounts more than this machine has: binds in a tmpfs
 *     veths COUNT              a network namespace with so many pairs of veth interfaces, each with an address
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void must(int holds, const char *what)
{
	if (!holds) {
		perror(what);
		exit(1);
	}
}

static void tell(const char *path, long number)
{
	char temporary[4096];
	snprintf(temporary, sizeof temporary, "%s.part", path);
	FILE *file = fopen(temporary, "w");

	must(file != NULL, temporary);
	fprintf(file, "%ld\n", number);
	fclose(file);
	must(rename(temporary, path) == 0, path);
}

static char *fresh(size_t size)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at != MAP_FAILED, "mmap");
	return at;
}

static long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void memory(const char *ready, size_t size, const char *directory)
{
	char *bytes = fresh(size);
	char plain[4096], written[4096], got[4096];
	unsigned long x = 88172645463325252UL;
	volatile unsigned long sum = 0;
	sigset_t set;

	snprintf(plain, sizeof plain, "%s/plain", directory);
	snprintf(written, sizeof written, "%s/write", directory);
	snprintf(got, sizeof got, "%s/read", directory);
	for (size_t i = 0; i < size / sizeof x; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		((unsigned long *)bytes)[i] = x;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	tell(ready, getpid());
	for (;;) {
		int signal = sigwaitinfo(&set, NULL);

		if (signal == SIGUSR1) {
			unlink(plain);
			/* as one that works with its memory: what was never touched since a restore is slow in some virtual machines */
			for (size_t i = 0; i < size; i += 4096)
				sum += bytes[i];
			long since = now();
			int file = open(plain, O_WRONLY | O_CREAT | O_TRUNC, 0600);
			must(file >= 0, plain);
			for (size_t done = 0; done < size;) {
				ssize_t put = write(file, bytes + done, size - done);
				must(put > 0, plain);
				done += put;
			}
			close(file);
			tell(written, now() - since);
		} else if (signal == SIGUSR2) {
			long since = now();
			int file = open(plain, O_RDONLY);
			must(file >= 0, plain);
			char *into = fresh(size);
			for (size_t done = 0; done < size;) {
				ssize_t had = read(file, into + done, size - done);
				must(had > 0, plain);
				done += had;
			}
			close(file);
			long took = now() - since;
			munmap(into, size);
			tell(got, took);
		}
	}
}

static void pair(void)
{
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	must(send(ends[0], "waiting", 7, 0) == 7, "send");
}

static void named(long number)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "tscriu-bench-%d-%ld", getpid(), number);
	socklen_t size = sizeof name.sun_family + 1 + length;
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);

	must(bind(server, (void *)&name, size) == 0, "bind");
	must(connect(client, (void *)&name, size) == 0, "connect");
	must(send(client, "waiting", 7, 0) == 7, "send");
}

static void connections(long count)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof name;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	must(bind(listener, (void *)&name, size) == 0 && listen(listener, 8) == 0, "listen");
	must(getsockname(listener, (void *)&name, &size) == 0, "getsockname");
	for (long i = 0; i < count; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0);
		must(connect(client, (void *)&name, size) == 0, "connect");
		int server = accept(listener, NULL, NULL);
		must(send(client, "waiting", 7, 0) == 7 && send(server, "waiting", 7, 0) == 7, "send");
	}
}

static void datagrams(long count)
{
	for (long i = 0; i < count; i++) {
		struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t size = sizeof name;
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		must(bind(fd, (void *)&name, size) == 0 && getsockname(fd, (void *)&name, &size) == 0, "bind");
		must(sendto(fd, "waiting", 7, 0, (void *)&name, size) == 7, "sendto");
	}
}

static void room(long descriptors)
{
	struct rlimit limit = {descriptors + 16, descriptors + 16};

	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

static void mounts(long count)
{
	char name[64];

	must(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "unshare");
	must(mount("tmpfs", "/mnt", "tmpfs", 0, NULL) == 0, "mount");
	must(mkdir("/mnt/from", 0755) == 0, "mkdir");
	for (long i = 1; i < count; i++) {
		snprintf(name, sizeof name, "/mnt/%ld", i);
		must(mkdir(name, 0755) == 0 && mount("/mnt/from", name, NULL, MS_BIND, NULL) == 0, name);
	}
}

static void veths(long count)
{
	must(unshare(CLONE_NEWNET) == 0, "unshare");
	FILE *ip = popen("ip -batch -", "w");
	must(ip != NULL, "ip");
	for (long i = 0; i < count; i++) {
		fprintf(ip, "link add a%ld type veth peer name b%ld\n", i, i);
		fprintf(ip, "addr add 10.%ld.%ld.1/24 dev a%ld\n", i / 250, i % 250, i);
		fprintf(ip, "link set a%ld up\nlink set b%ld up\n", i, i);
	}
	must(pclose(ip) == 0, "ip");
}

static void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int main(int argc, char **argv)
{
	must(argc >= 3, "victim READY KIND COUNT");
	const char *kind = argv[2];
	long count = argc > 3 ? atol(argv[3]) : 0;

	if (!strcmp(kind, "memory"))
		memory(argv[1], count, argv[4]);
	if (!strcmp(kind, "children"))
		for (long i = 0; i < count; i++) {
			pid_t pid = fork();
			must(pid >= 0, "fork");
			if (pid == 0)
				idle(NULL);
		}
	if (!strcmp(kind, "threads")) {
		pthread_attr_t small;
		pthread_attr_init(&small);
		pthread_attr_setstacksize(&small, 65536);
		for (long i = 1; i < count; i++) {
			pthread_t thread;
			must(pthread_create(&thread, &small, idle, NULL) == 0, "pthread_create");
		}
	}
	if (!strcmp(kind, "vmas")) {
		char *at = fresh(count * 4096);
		for (long i = 0; i < count; i += 2) {
			at[i * 4096] = 1;
			must(mprotect(at + i * 4096, 4096, PROT_READ) == 0, "mprotect");
		}
	}
	if (!strcmp(kind, "sockets")) {
		room(count);
		for (long i = 0; i < count; i += 4) {
			pair();
			named(i);
		}
	}
	if (!strcmp(kind, "connections")) {
		room(2 * count);
		connections(count);
	}
	if (!strcmp(kind, "datagrams")) {
		room(count);
		datagrams(count);
	}
	if (!strcmp(kind, "descriptors")) {
		room(count);
		for (long i = 0; i < count; i += 10) {
			int ends[2];
			for (int j = 0; j < 4; j++)
				must(open("/etc/passwd", O_RDONLY) >= 0, "open");
			must(pipe(ends) == 0, "pipe");
			must(write(ends[1], "waiting", 7) == 7, "write");
			must(eventfd(i, 0) >= 0 && dup(ends[0]) >= 0, "eventfd");
			pair();
		}
	}
	if (!strcmp(kind, "mounts"))
		mounts(count);
	if (!strcmp(kind, "veths"))
		veths(count);
	tell(argv[1], getpid());
	idle(NULL);
}
