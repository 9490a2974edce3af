/*
 * The first process of a machine that holds tscriu, criu and static cases: for each line of /plan it starts a tree, has one
 * of the two dump it and the other restore it, and lets every case look at what became of its state.
 *
 *     /plan             lines `DUMPER RESTORER CASE...`: programs of the root directory; `nobody` restores what runs on
 *     /modules/         what the kernel lacks, in the order of the names
 *
 * Lines that begin with `step` are for the test that reads.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CASES = 32, GUARD = 60 };

static char images[64], home[64];

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int status_of(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Runs a program to its end, its output with ours; its status */
static int run(char **words)
{
	pid_t pid = fork();

	if (!pid) {
		execv(words[0], words);
		_exit(126);
	}
	return status_of(pid);
}

/* The end of a file, for a person */
static void show(const char *name)
{
	static char text[4000];
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		return;
	off_t size = lseek(fd, 0, SEEK_END);

	lseek(fd, size > (off_t)sizeof(text) - 1 ? size - (off_t)sizeof(text) + 1 : 0, SEEK_SET);
	ssize_t length = read(fd, text, sizeof(text) - 1);

	printf("---- %s\n%.*s\n----\n", name, (int)(length < 0 ? 0 : length), text);
	close(fd);
}

static char *in_case(const char *name, const char *file)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s/%s", home, name, file);
	return path;
}

static volatile sig_atomic_t asked;

static void on_term(int signo)
{
	asked = signo;
}

/* The root of a tree: every case is its child, in a session and a directory of its own. Ends when it was told to, and they did */
static void family(char **names, int count)
{
	pid_t pids[CASES];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, 0);
	signal(SIGTERM, on_term);
	setsid();
	close(0);
	open("/dev/null", O_RDONLY);
	for (int i = 0; i < count; i++) {
		mkdir(in_case(names[i], ""), 0777);
		chmod(in_case(names[i], ""), 0777);
		pids[i] = fork();
		if (pids[i])
			continue;
		char program[100];

		snprintf(program, sizeof(program), "/%s", names[i]);
		setsid();
		signal(SIGTERM, SIG_DFL);
		sigprocmask(SIG_UNBLOCK, &set, 0);
		if (chdir(in_case(names[i], "")))
			_exit(125);
		int out = open("out", O_CREAT | O_WRONLY | O_APPEND, 0666);

		dup2(out, 1);
		dup2(out, 2);
		close(out);
		execve(program, (char *[]){ program, 0 },
		       (char *[]){ "PATH=/", "GLIBC_TUNABLES=glibc.pthread.rseq=0", 0 });
		_exit(126);
	}
	int out = open("/dev/null", O_WRONLY);

	dup2(out, 1);
	dup2(out, 2);
	close(out);
	sigdelset(&set, SIGTERM);
	while (!asked)
		sigsuspend(&(sigset_t){ 0 });
	for (int i = 0; i < count; i++)
		kill(pids[i], SIGTERM);
	for (int i = 0; i < count; i++)
		status_of(pids[i]);
	_exit(0);
}

static int wait_for(char **names, int count, const char *file)
{
	double late = seconds() + GUARD;
	int left = count;

	for (; left && seconds() < late; usleep(20000)) {
		left = 0;
		for (int i = 0; i < count; i++)
			left += access(in_case(names[i], file), F_OK) != 0;
	}
	return left;
}

static uint64_t varint(unsigned char **at)
{
	uint64_t value = 0;

	for (int shift = 0;; shift += 7) {
		unsigned char byte = *(*at)++;

		value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return value;
	}
}

static unsigned char *put(unsigned char *at, int key, uint64_t value)
{
	*at++ = key << 3;
	for (; value > 127; value >>= 7)
		*at++ = value | 128;
	*at++ = value;
	return at;
}

/* CRIU before 4.1 knows the number of pages of a pagemap's entry by its old field alone */
static void for_old_criu(const char *name)
{
	static unsigned char old[1 << 20], fresh[1 << 20];
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", images, name);
	int fd = open(path, O_RDWR);
	ssize_t size = read(fd, old, sizeof(old));
	uint32_t length;

	/* two magic numbers, and the head */
	memcpy(&length, old + 8, 4);
	size_t head = 8 + 4 + length;
	unsigned char *from = old + head, *to = fresh + head;

	memcpy(fresh, old, head);
	while (from < old + size) {
		uint64_t field[6] = { 0 };

		memcpy(&length, from, 4);
		from += 4;
		for (unsigned char *end = from + length; from < end;) {
			uint64_t key = varint(&from);

			field[(key >> 3) % 6] = varint(&from);
		}
		unsigned char *start = to + 4;

		to = put(put(put(start, 1, field[1]), 2, field[5]), 4, field[4]);
		length = to - start;
		memcpy(start - 4, &length, 4);
	}
	if (ftruncate(fd, 0) || pwrite(fd, fresh, to - fresh, 0) != to - fresh)
		printf("cannot rewrite %s\n", path);
	close(fd);
}

static void each_pagemap(void)
{
	DIR *dir = opendir(images);

	for (struct dirent *one; dir && (one = readdir(dir));)
		if (!strncmp(one->d_name, "pagemap-", 8))
			for_old_criu(one->d_name);
	if (dir)
		closedir(dir);
}

/* Dumps the tree of a process, or restores it when no pid is given; the status */
static int act(char *by, char *pid, int stays)
{
	char program[32], log[100];
	char *dump[] = { program, "dump", "-t", pid, "-D", images, "-v4", "-o", log, "--file-locks", "--link-remap",
			 stays ? "-R" : 0, 0 };
	char *restore[] = { program, "restore", "-d", "-D", images, "-v4", "-o", log, "--file-locks", 0 };

	snprintf(program, sizeof(program), "/%s", by);
	snprintf(log, sizeof(log), "%s/%s.log", images, pid ? "dump" : "restore");
	int result = run(pid ? dump : restore);

	if (result)
		show(log);
	return result;
}

static void verdict(const char *way, char *name)
{
	char said[300] = "";
	int fd = open(in_case(name, "verdict"), O_RDONLY);
	ssize_t length = fd < 0 ? 0 : read(fd, said, sizeof(said) - 1);

	close(fd);
	printf("step %s %s: %.*s\n", way, name, (int)strcspn(said, "\n"), length > 0 ? said : "no verdict");
	if (strncmp(said, "PASS", 4))
		show(in_case(name, "out"));
	fflush(stdout);
}

static void tree(int number, char *dumper, char *restorer, char **names, int count)
{
	char pid[20], way[60];

	snprintf(way, sizeof(way), "%s>%s", dumper, restorer);
	snprintf(images, sizeof(images), "/data/images-%d", number);
	snprintf(home, sizeof(home), "/data/%d", number);
	mkdir(images, 0700);
	mkdir(home, 0777);
	chmod(home, 0777);
	pid_t root = fork();

	if (!root)
		family(names, count);
	snprintf(pid, sizeof(pid), "%d", root);
	if (wait_for(names, count, "ready"))
		printf("not every case got ready\n");
	int stays = !strcmp(restorer, "nobody"), result = act(dumper, pid, stays);

	printf("step %s dump %d: %d\n", way, number, result);
	if (!result && !stays) {
		while (waitpid(-1, 0, 0) > 0)
			;
		if (!strcmp(restorer, "criu"))
			each_pagemap();
		result = act(restorer, 0, 0);
		printf("step %s restore %d: %d\n", way, number, result);
	}
	fflush(stdout);
	if (!result) {
		kill(root, SIGTERM);
		wait_for(names, count, "verdict");
	}
	kill(root, SIGKILL);
	for (int i = 0; i < count; i++)
		verdict(way, names[i]);
	/* whoever is left is ours now */
	for (DIR *dir = opendir("/proc"); dir; closedir(dir), dir = 0)
		for (struct dirent *one; (one = readdir(dir));)
			if (atoi(one->d_name) > root)
				kill(atoi(one->d_name), SIGKILL);
	while (waitpid(-1, 0, 0) > 0)
		;
	printf("  at %.0f s\n", seconds());
}

/* One writes what the processor can, the other compares */
static void processor(char *writer, char *reader)
{
	char first[32], second[32];
	char *dump[] = { first, "cpuinfo", "dump", "-D", "/data/cpuinfo", 0 };
	char *check[] = { second, "cpuinfo", "check", "-D", "/data/cpuinfo", 0 };

	snprintf(first, sizeof(first), "/%s", writer);
	snprintf(second, sizeof(second), "/%s", reader);
	mkdir("/data/cpuinfo", 0700);
	printf("step %s>%s cpuinfo: %s\n", writer, reader, run(dump) || run(check) ? "they differ" : "PASS");
	unlink("/data/cpuinfo/cpuinfo.img");
}

static void prepare(void)
{
	static const struct {
		const char *type, *at;
	} mounts[] = { { "proc", "/proc" },   { "sysfs", "/sys" },  { "devtmpfs", "/dev" },
		       { "tmpfs", "/data" }, { "tmpfs", "/run" }, { "tmpfs", "/tmp" } };
	struct dirent **modules;
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	for (unsigned i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		if (mount(mounts[i].type, mounts[i].at, mounts[i].type, 0, 0))
			printf("cannot mount %s (%d)\n", mounts[i].at, errno);
	int count = scandir("/modules", &modules, 0, alphasort);

	for (int i = 0; i < count; i++) {
		char path[300];

		snprintf(path, sizeof(path), "/modules/%s", modules[i]->d_name);
		int fd = open(path, O_RDONLY);

		if (modules[i]->d_name[0] != '.' && syscall(SYS_finit_module, fd, "", 0))
			printf("cannot load %s (%d)\n", path, errno);
		close(fd);
	}
	if (ioctl(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SIOCSIFFLAGS, &lo))
		printf("cannot wake lo (%d)\n", errno);
}

int main(void)
{
	char line[2000];

	prepare();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	FILE *plan = fopen("/plan", "re");

	for (int number = 1; plan && fgets(line, sizeof(line), plan); number++) {
		char *words[CASES + 2];
		int count = 0;

		for (char *word = strtok(line, " \n"); word && count < CASES + 2; word = strtok(0, " \n"))
			words[count++] = word;
		if (count > 2)
			tree(number, words[0], words[1], words + 2, count - 2);
	}
	processor("tscriu", "criu");
	processor("criu", "tscriu");
	printf("step end: ok\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
