/*
 * The first process of a machine that runs AppArmor: loads the policy that lies at /policy, starts /victim, which that policy
 * confines, and tells what becomes of its label in a dump and in restores. Lines that begin with `step` are for the test.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t victim;

static void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* Confined from its start: two threads that do nothing */
static int confined(void)
{
	pthread_t thread;

	setsid();
	if (pthread_create(&thread, NULL, idle, NULL))
		return 1;
	close(open("/data/ready", O_CREAT | O_WRONLY, 0600));
	idle(NULL);
	return 0;
}

static pid_t start(char **words)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	execv(words[0], words);
	_exit(126);
}

/* Runs tscriu to its end; its exit status */
static int tscriu(char **words)
{
	pid_t pid = start(words);
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int dump(void)
{
	char pid[20];

	snprintf(pid, sizeof(pid), "%d", victim);
	mkdir("/data/images", 0700);
	return tscriu((char *[]){"/tscriu", "dump", "-t", pid, "-D", "/data/images", 0});
}

static int restore(char *profile)
{
	char *option = profile ? "--lsm-profile" : NULL;

	return tscriu((char *[]){"/tscriu", "restore", "-d", "-D", "/data/images", option, profile, 0});
}

static void step(const char *name, int result)
{
	printf("step %s: %s (%d)\n", name, result ? "failed" : "ok", result);
	fflush(stdout);
}

/* How many of the victim's two threads do not have this label; a third one counts as well */
static int others(const char *label)
{
	char path[300], is[200];
	int right = 0, all = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", victim);
	DIR *tasks = opendir(path);

	for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
		if (entry->d_name[0] == '.')
			continue;
		all++;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/attr/current", victim, entry->d_name);
		FILE *file = fopen(path, "r");

		if (file && fgets(is, sizeof(is), file)) {
			is[strcspn(is, "\n")] = 0;
			printf("  thread %s: %s\n", entry->d_name, is);
			right += !strcmp(is, label);
		}
		if (file)
			fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return right == 2 && all == 2 ? 0 : 100 + all * 10 + right;
}

/* Ends the victim, and waits for all that is ours */
static void end(void)
{
	kill(victim, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static int load(void)
{
	static char policy[1 << 20];
	int from = open("/policy", O_RDONLY), to = open("/sys/kernel/security/apparmor/.load", O_WRONLY);
	ssize_t size = read(from, policy, sizeof(policy));

	return size > 0 && write(to, policy, (size_t)size) == size ? 0 : errno;
}

static void story(void)
{
	step("policy", load());
	victim = start((char *[]){"/victim", 0});
	for (int turn = 0; turn < 6000 && access("/data/ready", F_OK); turn++)
		usleep(10000);
	step("confined", others("one (enforce)"));
	step("dump", dump());
	end();
	step("restore", restore(NULL));
	step("same label", others("one (enforce)"));
	end();
	step("restore with another", restore("apparmor:two"));
	step("other label", others("two (enforce)"));
	end();
	step("no such label", restore("apparmor:none-of-this-name") != 1);
	step("nothing is left of it", kill(victim, 0) == 0);
	step("no such module", restore("selinux:system_u:system_r:init_t:s0") != 1);
	step("not even begun", kill(victim, 0) == 0);
	step("end", 0);
}

int main(int argc, char **argv)
{
	if (argc > 0 && !strcmp(argv[0], "/victim"))
		return confined();
	if (mount("proc", "/proc", "proc", 0, 0) || mount("sysfs", "/sys", "sysfs", 0, 0) ||
	    mount("securityfs", "/sys/kernel/security", "securityfs", 0, 0))
		step("mounts", errno);
	story();
	reboot(RB_POWER_OFF);
	return 0;
}
