/*
 * Drives libcriu: drive version | check | features | dump PID DIR | restore DIR | child DIR
 * Prints what came of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../../ffi/libcriu/criu.h"

static int hook(char *action, criu_notify_arg_t na)
{
	printf("%s %d\n", action, criu_notify_pid(na));
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *service = getenv("DRIVE_SERVICE"), *uts = getenv("DRIVE_UTS");
	int result = -1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (criu_init_opts())
		return 2;
	if (service)
		criu_set_service_address(service);
	if (uts && criu_join_ns_add("uts", uts, NULL))
		return 2;
	if (argc > 2) {
		int fd = open(argv[argc - 1], O_RDONLY | O_DIRECTORY);

		if (fd < 0)
			return 2;
		criu_set_images_dir_fd(fd);
		criu_set_log_level(CRIU_LOG_DEBUG);
		criu_set_log_file("drive.log");
		criu_set_notify_cb(hook);
	}
	if (!strcmp(what, "version"))
		result = criu_get_version();
	else if (!strcmp(what, "check"))
		result = criu_check();
	else if (!strcmp(what, "features")) {
		struct criu_feature_check f = { .mem_track = true, .lazy_pages = true, .pidfd_store = true };

		result = criu_feature_check(&f, sizeof(f));
		printf("%d %d %d\n", f.mem_track, f.lazy_pages, f.pidfd_store);
	} else if (!strcmp(what, "dump")) {
		criu_set_pid(atoi(argv[2]));
		result = criu_dump();
	} else if (!strcmp(what, "restore"))
		result = criu_restore();
	else if (!strcmp(what, "child")) {
		int status = 0;

		result = criu_restore_child();
		if (result > 0) {
			kill(result, 9);
			printf("reaped %d\n", waitpid(result, &status, 0) == result);
		}
	}
	printf("result %d errno %d\n", result, result < 0 ? errno : 0);
	criu_free_opts();
	return 0;
}
