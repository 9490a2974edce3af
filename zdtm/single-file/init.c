/*
 * The first process of a machine, or of a root directory, that holds only tscriu and the victim: starts tscriu, dumps the
 * victim, restores it, and says step by step what came of it. Lines that begin with `step` are for the test that reads.
 *
 *     init WRITABLE-DIRECTORY           as process 1 it mounts /proc first, and switches the machine off at the end
 *     init --root DIRECTORY             makes the directory the root, read-only but for /data, nothing else in sight
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *dir;
static char counter[256];

static pid_t start(char **words)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (!strcmp(words[0], "/victim"))
		setsid();
	execv(words[0], words);
	_exit(126);
}

/* Runs a program to its end; 0 when it ended with status 0 */
static int run(char **words)
{
	pid_t pid = start(words);
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int step(const char *name, int result)
{
	fflush(stdout);
	printf("step %s: %s", name, result ? "failed" : "ok");
	if (result)
		printf(" (%d)", result);
	printf("\n");
	fflush(stdout);
	return result;
}

static unsigned long count(void)
{
	unsigned long now = 0;
	int fd = open(counter, O_RDONLY);

	if (fd < 0 || read(fd, &now, sizeof(now)) != sizeof(now))
		now = 0;
	close(fd);
	return now;
}

/* Waits until the count is past a number; how it ended does not depend on how fast the machine is */
static int past(unsigned long number)
{
	for (int tries = 0; tries < 6000; tries++) {
		if (count() > number)
			return 0;
		usleep(10000);
	}
	return ETIME;
}

/* What tscriu wrote to its log goes to the console when a step failed */
static void show(const char *name)
{
	char path[300];
	char line[1024];

	snprintf(path, sizeof(path), "%s/images/%s", dir, name);
	FILE *log = fopen(path, "r");

	while (log && fgets(line, sizeof(line), log))
		printf("  %s", line);
	if (log)
		fclose(log);
}

static void story(void)
{
	char images[300];

	snprintf(images, sizeof(images), "%s/images", dir);
	snprintf(counter, sizeof(counter), "%s/count", dir);
	mkdir(images, 0700);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (step("version", run((char *[]){ "/tscriu", "--version", 0 })))
		return;
	/* a kernel without its modules, and no /dev, lack a thing or two: the test reads what check says of the others */
	step("check", run((char *[]){ "/tscriu", "check", 0 }) > 1);

	pid_t victim = start((char *[]){ "/victim", counter, 0 });
	char number[20];

	snprintf(number, sizeof(number), "%d", victim);
	if (step("victim counts", past(3)))
		return;
	if (step("dump", run((char *[]){ "/tscriu", "dump", "-t", number, "-D", images, "-v4", "-o", "dump.log", 0 }))) {
		show("dump.log");
		return;
	}
	int status = 0;

	if (step("victim is gone", waitpid(victim, &status, 0) != victim || !WIFSIGNALED(status)))
		return;
	unsigned long before = count();

	usleep(50000);
	step("count stands still", count() != before);
	if (step("restore", run((char *[]){ "/tscriu", "restore", "-d", "-D", images, "-v4", "-o", "restore.log", 0 }))) {
		show("restore.log");
		return;
	}
	step("same process", kill(victim, 0) ? errno : 0);
	/* a victim that began anew would first write a smaller number */
	step("count goes on", past(before) || count() > before + 10000);
	kill(victim, SIGKILL);
	step("victim is our child", waitpid(victim, &status, 0) != victim);
}

/* Never returns; the status says which part went wrong */
static void enter(const char *root)
{
	if (unshare(CLONE_NEWNS) || mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) || mount(root, root, 0, MS_BIND, 0))
		_exit(10);
	if (chdir(root) || mount("proc", "proc", "proc", 0, 0) || mount("data", "data", "tmpfs", 0, 0))
		_exit(11);
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		_exit(12);
	if (mount(0, "/", 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0) || mkdir("/tmp", 0777) == 0)
		_exit(13);
	execv("/init", (char *[]){ "/init", "/data", 0 });
	_exit(14);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--root"))
		enter(argv[2]);
	dir = argc > 1 ? argv[1] : "/";
	if (getpid() == 1 && mount("proc", "/proc", "proc", 0, 0))
		printf("step proc: failed (%d)\n", errno);
	story();
	printf("step end: ok\n");
	fflush(stdout);
	sync();
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return 0;
}
