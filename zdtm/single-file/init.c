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
#include <time.h>
#include <unistd.h>

/* An emulated machine takes seconds for each: there are as many as it needs to meet the beginning, the middle and the end */
static int kills(void)
{
	return getpid() == 1 ? 3 : 6;
}

static const char *dir;
static pid_t victim;

/* Good until eight more have been asked for */
static char *path(const char *name)
{
	static char paths[8][300];
	static int next;
	char *made = paths[next++ % 8];

	snprintf(made, sizeof(paths[0]), "%s/%s", dir, name);
	return made;
}

static char *children(pid_t pid)
{
	static char made[64];

	snprintf(made, sizeof(made), "/proc/%d/task/%d/children", pid, pid);
	return made;
}

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

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int step(const char *name, int result)
{
	fflush(stdout);
	printf("  at %.1f s\n", seconds());
	printf("step %s: %s", name, result ? "failed" : "ok");
	if (result)
		printf(" (%d)", result);
	printf("\n");
	fflush(stdout);
	return result;
}

/* The victim's numbers: how far each of its parts has come. The first is its count, the last are those that take seconds */
enum { QUICK = 6, WORDS = 10 };

struct progress {
	unsigned long word[16];
};

static struct progress progress(void)
{
	struct progress now = { 0 };
	int fd = open(path("count"), O_RDONLY);

	if (fd < 0 || read(fd, &now, sizeof(now)) != sizeof(now))
		memset(&now, 0, sizeof(now));
	close(fd);
	return now;
}

static unsigned long count(void)
{
	return progress().word[0];
}

/* Waits until the first so many numbers have grown; how it ends does not depend on how fast the machine is */
static int past(struct progress before, int words)
{
	int left = words;

	for (int tries = 0; tries < 6000 && kill(victim, 0) == 0; tries++) {
		struct progress now = progress();

		left = 0;
		for (int i = 0; i < words; i++)
			left += now.word[i] <= before.word[i];
		if (!left)
			return 0;
		usleep(10000);
	}
	return left;
}

static int dump(const char *images, const char *how)
{
	char number[20];

	snprintf(number, sizeof(number), "%d", victim);
	mkdir(path(images), 0700);
	return run((char *[]){ "/tscriu", "dump", "-t", number, "-D", path(images), "-v4", "-o", "dump.log", (char *)how, 0 });
}

/* Whether somebody has the victim in its hands */
static int traced(void)
{
	char status[64], line[200];
	int tracer = 0;

	snprintf(status, sizeof(status), "/proc/%d/status", victim);
	FILE *file = fopen(status, "r");

	while (file && fgets(line, sizeof(line), file) && sscanf(line, "TracerPid: %d", &tracer) != 1)
		;
	if (file)
		fclose(file);
	return tracer != 0;
}

/* Dumps that are killed while the tree is in their hands, the earliest at once, the latest when they are nearly done */
static int killed(double whole)
{
	int failed = 0;
	int rough = open(path("rough"), O_CREAT | O_WRONLY, 0600);

	for (int i = 0; i < kills(); i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(dump("killed", "-R"));
		for (int tries = 0; tries < 20000 && !traced(); tries++)
			usleep(1000);
		usleep(whole * 1e6 * i / kills());
		/* tscriu is its child, and becomes ours */
		FILE *list = fopen(children(pid), "r");
		int tscriu = 0;

		if (list && fscanf(list, "%d", &tscriu) == 1)
			kill(tscriu, SIGKILL);
		if (list)
			fclose(list);
		waitpid(pid, 0, 0);
		if (past(progress(), QUICK)) {
			printf("  the victim does not go on after a dump that was killed after %.3f s\n", whole * i / kills());
			failed++;
		}
	}
	close(rough);
	unlink(path("rough"));
	return failed;
}

/* What tscriu wrote to its log, or the victim, goes to the console when a step failed */
static void show(const char *name)
{
	char line[1024];
	FILE *log = fopen(path(name), "r");

	while (log && fgets(line, sizeof(line), log))
		printf("  %s", line);
	if (log)
		fclose(log);
}

/* The victim looks at all that it holds a last time, and ends */
static int verdict(void)
{
	char said[4] = "";
	int status = 0;

	close(open(path("end"), O_CREAT | O_WRONLY, 0600));
	if (waitpid(victim, &status, 0) != victim)
		return errno;
	victim = 0;
	int fd = open(path("verdict"), O_RDONLY);
	int fine = read(fd, said, 3) == 3 && !strcmp(said, "ok\n") && status == 0;

	close(fd);
	if (!fine)
		printf("  it ended with status %#x\n", status);
	return !fine;
}

static void story(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (step("version", run((char *[]){ "/tscriu", "--version", 0 })))
		return;
	/* a kernel without its modules, and no /dev, lack a thing or two: the test reads what check says of the others */
	step("check", run((char *[]){ "/tscriu", "check", 0 }) > 1);

	victim = start((char *[]){ "/victim", (char *)dir, 0 });
	if (step("victim counts", past((struct progress){ { 3 } }, QUICK)))
		return;
	double began = seconds();

	if (step("dump that leaves it running", dump("running", "-R")))
		show("running/dump.log");
	double whole = seconds() - began;

	step("it runs on", past(progress(), WORDS));
	/* the tool's own start is no small part of it */
	step("dumps that are killed", killed(whole * 0.6));
	step("it runs on after those", past(progress(), WORDS));
	if (step("dump", dump("images", 0))) {
		show("images/dump.log");
		show("verdict");
		return;
	}
	int status = 0;

	if (step("victim is gone", waitpid(victim, &status, 0) != victim || !WIFSIGNALED(status)))
		return;
	/* its child is ours now: as long as nobody waits for it, its pid is taken */
	while (waitpid(-1, 0, 0) > 0)
		;
	unsigned long before = count();

	usleep(50000);
	step("count stands still", count() != before);
	if (step("restore",
		 run((char *[]){ "/tscriu", "restore", "-d", "-D", path("images"), "-v4", "-o", "restore.log", 0 }))) {
		show("images/restore.log");
		return;
	}
	step("same process", kill(victim, 0) ? errno : 0);
	/* a victim that began anew would first write a smaller number */
	step("count goes on", past((struct progress){ { before } }, 1) || count() > before + 10000);
	step("all of it goes on", past(progress(), WORDS));
	if (step("nothing is lost", verdict()))
		show("verdict");
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
	if (victim > 0)
		kill(victim, SIGKILL);
	printf("step end: ok\n");
	fflush(stdout);
	sync();
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return 0;
}
