/*
 * The first process of a machine, or of namespaces and a root directory of its own (`init --root DIRECTORY`), that holds tscriu,
 * criu and static cases: for each line of /plan it takes a tree of cases through some steps, each of which has to succeed for the
 * next to be taken.
 *
 *     /plan             lines `NUMBER LABEL STEP,... CASE...`; the cases are programs of the root directory
 *     /modules/         what the kernel lacks, in the order of the names
 *     /carried          is there when /data comes from elsewhere, or goes there: the capabilities of the bounding set there
 *
 *     start             the cases get ready, each below the tree's root, in /data/NUMBER
 *     dump:BY:SET       a program of the root directory saves the tree to /data/SET, and it is gone; so are its cgroups
 *     save:BY:SET       likewise, and it runs on
 *     restore:BY:SET
 *     send:SET          files of the set, and of the cases, go to the disk, behind those that went before
 *     end               every case looks at what became of its state, and says so
 *
 * Lines that begin with `step` are for the test that reads.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if.h>
#include <sched.h>
#include <signal.h>
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

#include "old_criu.h"

#define CGROUPS "/sys/fs/cgroup"

enum { CASES = 32, GUARD = 60 };

/* What no other machine's processor may lack that the tree goes to */
#define TUNED "GLIBC_TUNABLES=glibc.pthread.rseq=0"
#define TUNED_DOWN TUNED ":glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,-XSAVEC,-RTM"

static char images[64], home[64];
/* Trees come from other kernels, or go there: pids and instructions are such as any has */
static int apart;
static unsigned long long bounds;

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

/* Only what a process may have where the tree goes, or comes from */
static void bound(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 64; i++)
		if (!(bounds >> i & 1))
			prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	syscall(SYS_capget, &header, data);
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= bounds >> 32 * i;
		data[i].effective &= bounds >> 32 * i;
	}
	syscall(SYS_capset, &header, data);
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
	if (apart)
		bound();
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
		       (char *[]){ "PATH=/", apart ? TUNED_DOWN : TUNED, 0 });
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

/* The next processes get pids from this one on: a tree's must be free where it goes */
static void count_from(int pid)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);

	dprintf(fd, "%d", pid - 1);
	close(fd);
}

/* The files of a directory: for each a line `file PATH MODE SIZE`, and what it holds */
static void post(FILE *disk, const char *directory)
{
	DIR *dir = opendir(directory);

	for (struct dirent *one; dir && (one = readdir(dir));) {
		static char part[65536];
		char path[600];
		struct stat stat;
		size_t length;

		snprintf(path, sizeof(path), "%s/%s", directory, one->d_name);
		if (one->d_name[0] == '.' || lstat(path, &stat))
			continue;
		if (S_ISDIR(stat.st_mode))
			post(disk, path);
		if (!S_ISREG(stat.st_mode))
			continue;
		FILE *file = fopen(path, "re");

		fprintf(disk, "file %s %o %ld\n", path, stat.st_mode, (long)stat.st_size);
		while (file && (length = fread(part, 1, sizeof(part), file)) > 0)
			fwrite(part, 1, length, disk);
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
}

static pid_t start(char **names, int count, int number)
{
	mkdir(home, 0777);
	chmod(home, 0777);
	if (apart)
		count_from(1000 * number);
	pid_t root = fork();

	if (!root)
		family(names, count);
	if (wait_for(names, count, "ready"))
		printf("not every case got ready\n");
	if (apart)
		count_from(300);
	return root;
}

/* Removes the cgroups below a directory that nobody is in */
static void prune(const char *directory)
{
	DIR *dir = opendir(directory);

	for (struct dirent *one; dir && (one = readdir(dir));) {
		char path[600];

		if (one->d_type != DT_DIR || one->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, one->d_name);
		prune(path);
		rmdir(path);
	}
	if (dir)
		closedir(dir);
}

/* We are process 1: whoever is left is ours */
static void clear(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, 0, 0) > 0)
		;
}

static void end(pid_t root, const char *label, char **names, int count)
{
	kill(root, SIGTERM);
	wait_for(names, count, "verdict");
	kill(root, SIGKILL);
	for (int i = 0; i < count; i++)
		verdict(label, names[i]);
	clear();
}

static void tree(int number, char *label, char *steps, char **names, int count)
{
	char pid[20], *rest = 0;
	pid_t root = 1000 * number;

	snprintf(home, sizeof(home), "/data/%d", number);
	for (char *step = strtok_r(steps, ",", &rest); step; step = strtok_r(0, ",", &rest)) {
		char *parts = 0, *kind = strtok_r(step, ":", &parts), *by = strtok_r(0, ":", &parts);
		char *set = strtok_r(0, ":", &parts);
		int restores = !strcmp(kind, "restore"), dumps = !strcmp(kind, "dump"), result = 0;

		snprintf(images, sizeof(images), "/data/%s", set ? set : by ? by : "");
		snprintf(pid, sizeof(pid), "%d", root);
		if (!strcmp(kind, "start"))
			root = start(names, count, number);
		else if (!strcmp(kind, "send")) {
			/* no tree that is started later shall have it open */
			static long written;
			FILE *disk = fopen("/dev/vda", "r+e");

			if (disk && !fseek(disk, written, SEEK_SET)) {
				post(disk, images);
				post(disk, home);
				written = ftell(disk);
			}
			if (disk) {
				fflush(disk);
				fsync(fileno(disk));
				fclose(disk);
			}
		} else if (!strcmp(kind, "end"))
			end(root, label, names, count);
		else {
			mkdir(images, 0700);
			if (restores && !strcmp(by, "criu"))
				each_pagemap(images);
			result = act(by, restores ? 0 : pid, !restores && !dumps);
			printf("step %s %s %s: %d\n", label, kind, set, result);
			while (dumps && !result && waitpid(-1, 0, 0) > 0)
				;
			if (dumps)
				prune(CGROUPS);
		}
		fflush(stdout);
		if (!result)
			continue;
		clear();
		break;
	}
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

/* Into a directory that is the root from now on, in a pid namespace of our own */
static void move(const char *directory)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) || mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) ||
	    mount(directory, directory, 0, MS_BIND, 0) || chdir(directory) || syscall(SYS_pivot_root, ".", ".") ||
	    umount2(".", MNT_DETACH) || chdir("/")) {
		perror(directory);
		_exit(1);
	}
	pid_t pid = fork();

	if (pid)
		_exit(status_of(pid));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	unlink("/dev/null");
	if (mount("proc", "/proc", "proc", 0, 0) || mount("sysfs", "/sys", "sysfs", 0, 0) || mknod("/dev/null", 020666, 0x103) ||
	    chmod("/dev/null", 0666))
		perror("a root of our own");
	/* the tree's first process is one of these: its program has to be there */
	execle("/init", "/init", "--inside", (char *)0, (char *[]){ TUNED_DOWN, 0 });
	_exit(126);
}

static void prepare(void)
{
	static const struct {
		const char *type, *at;
	} mounts[] = { { "proc", "/proc" },  { "sysfs", "/sys" }, { "cgroup2", CGROUPS }, { "devtmpfs", "/dev" },
		       { "tmpfs", "/data" }, { "tmpfs", "/run" }, { "tmpfs", "/tmp" } };
	struct dirent **modules;
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	/* where trees come from elsewhere /data is there already, and the kernel is one whose cgroups are all ours */
	const char *unless = access("/carried", F_OK) ? CGROUPS : "/data";

	for (unsigned i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		if (strcmp(mounts[i].at, unless) && mount(mounts[i].type, mounts[i].at, mounts[i].type, 0, 0))
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

int main(int argc, char **argv)
{
	static char plan[20000];
	char *rest = 0;

	if (argc == 3 && !strcmp(argv[1], "--root"))
		move(argv[2]);
	else if (argc < 2 || strcmp(argv[1], "--inside"))
		prepare();
	FILE *carried = fopen("/carried", "re");

	apart = carried && fscanf(carried, "%llx", &bounds) == 1;
	if (carried)
		fclose(carried);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	int fd = open("/plan", O_RDONLY);
	/* the tree shall not have it open */
	ssize_t length = read(fd, plan, sizeof(plan) - 1);

	close(fd);
	for (char *line = strtok_r(plan, "\n", &rest); length > 0 && line; line = strtok_r(0, "\n", &rest)) {
		char *words[CASES + 3];
		int count = 0;

		for (char *word = strtok(line, " "); word && count < CASES + 3; word = strtok(0, " "))
			words[count++] = word;
		if (count > 3)
			tree(atoi(words[0]), words[1], words[2], words + 3, count - 3);
	}
	if (!apart) {
		processor("tscriu", "criu");
		processor("criu", "tscriu");
	}
	printf("step end: ok\n");
	fflush(stdout);
	if (argc < 2 || strcmp(argv[1], "--inside"))
		reboot(RB_POWER_OFF);
	return 0;
}
