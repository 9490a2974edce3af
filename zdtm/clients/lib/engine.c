/*
 * What a runtime for Java that saves itself brings along: `engine restorewait` takes the place of the command that has restored it
 * and waits for the restored program, to which it passes signals on; without words it is the action script, and wakes the program.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;

static void pass_on(int number)
{
	if (child > 0)
		kill(child, number);
}

int main(int argc, char **argv)
{
	const char *action = getenv("CRTOOLS_SCRIPT_ACTION"), *pid = getenv("CRTOOLS_INIT_PID");

	if (argc < 2 || strcmp(argv[1], "restorewait")) {
		if (action && !strcmp(action, "post-resume"))
			return pid && kill(atoi(pid), SIGUSR2) == 0 ? 0 : 1;
		return 0;
	}
	int status;

	signal(SIGTERM, pass_on);
	siginfo_t who;

	if (waitid(P_ALL, 0, &who, WEXITED | WNOWAIT | WNOHANG) < 0) {
		perror("nobody was restored as its child");
		return 99;
	}
	for (;;) {
		/* any of its children is the one: it has no other */
		char path[64];
		snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
		FILE *file = fopen(path, "r");
		int found = 0;

		if (file && fscanf(file, "%d", &found) == 1)
			child = found;
		if (file)
			fclose(file);
		if (waitpid(-1, &status, 0) >= 0)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}
