/*
 * Has itself dumped: self SERVICE DIR... asks the service at that address, or a worker of its own for "-", once for each
 * directory; for "+DIR" it is to live on, and for "^DIR" a child of it asks in its place. Before and after it counts its descriptors, and in the end it waits.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../../ffi/libcriu/criu.h"

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static int hook(char *action, criu_notify_arg_t na)
{
	(void)na;
	printf("heard %s\n", action);
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 2; i < argc; i++) {
		int runs = argv[i][0] == '+', child = argv[i][0] == '^', before = descriptors(), result, error;
		int dir = open(argv[i] + (runs || child), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		pid_t parent = getpid(), pid = child ? fork() : 0;

		if (pid) {
			int status = 0;

			close(dir);
			printf("child %d\n", waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : -1);
			continue;
		}

		if (dir < 0 || criu_init_opts())
			return 2;
		if (strcmp(argv[1], "-"))
			criu_set_service_address(argv[1]);
		criu_set_images_dir_fd(dir);
		criu_set_log_file("dump.log");
		criu_set_log_level(CRIU_LOG_DEBUG);
		criu_set_leave_running(runs);
		if (child)
			criu_set_pid(parent);
		criu_set_notify_cb(hook);
		printf("asks %d\n", i - 1);
		result = criu_dump();
		error = errno;
		criu_free_opts();
		close(dir);
		printf("result %d errno %d descriptors %d\n", result, result < 0 ? error : 0, descriptors() - before);
		if (child)
			_exit(result + 10);
	}
	printf("waits\n");
	for (;;)
		pause();
}
